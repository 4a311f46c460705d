"""What the official tests need, built from the modules of Kubernetes: programs and their images.

Nothing of it is part of a bundle: it is kept in the cache, by the version of Kubernetes.
"""

import hashlib
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

from model import paths
from model.files import replacing
from scripts.build import arch, buildcache, debian, gomodule, ociimage, recipes
from scripts.build.cache_entry import locked
from scripts.build.gomodule import GoProgram
from scripts.build.ociimage import ImageRecipe
from scripts.build.progress import task
from scripts.build.shell import run

SUITE = "test/e2e"
AGNHOST = "test/images/agnhost"
POD_SECURITY = "k8s.io/pod-security-admission"
POD_SECURITY_SOURCE = Path(__file__).with_name("pod_security")


def suite(version: str) -> Path:
    """Return the suite's executable, building it if it is missing."""
    return _built(version, "e2e.test", replace(_program(version, SUITE), test=True))


def pod_security(version: str) -> Path:
    """Return the executable that runs the fixtures of the Pod Security library of that version."""
    program = GoProgram(
        POD_SECURITY,
        f"v0.{version.removeprefix('v1.')}",
        (gomodule.own_package(POD_SECURITY_SOURCE),),
        test=True,
        source=POD_SECURITY_SOURCE,
    )
    texts = b"".join(file.read_bytes() for file in sorted(POD_SECURITY_SOURCE.iterdir()))
    entry = f"pod_security-{hashlib.sha256(texts).hexdigest()[:12]}"
    return _built(version, "pod_security.test", program, entry)


def agnhost(version: str, reference: str) -> Path:
    """Return an archive for `ctr images import` of the program that most tests run.

    The program is the official one; the shell beside it is busybox. `reference` is the image's name
    in the suite.
    """
    program = _built(version, "agnhost", _program(version, AGNHOST))
    files = {"/agnhost": program}
    return _image(version, "agnhost", ImageRecipe(reference, files, ["/agnhost"], ["pause"]))


def busybox(version: str, reference: str) -> Path:
    """Return an archive for `ctr images import` of Debian's busybox, with a link per applet."""
    return _image(version, "busybox", ImageRecipe(reference, {}, command=["sh"]))


def _folder(version: str) -> Path:
    """The folder in the cache of what is built for a version such as "v1.36.3"."""
    return paths.cache_dir() / "conformance" / f"{version}-{arch.host()}"


def _program(version: str, package: str) -> GoProgram:
    return replace(recipes.kubernetes(version), packages=(f"{recipes.KUBERNETES}/{package}",))


def _built(version: str, name: str, program: GoProgram, entry: str = "") -> Path:
    """Return the executable `name`, kept as `entry`, which is `name` unless it says more."""
    target = _folder(version) / "programs" / (entry or name)
    with locked(target):
        if not target.exists():
            with buildcache.building(), replacing(target) as part:
                gomodule.build(program, part)
    return target / name


def _image(version: str, name: str, recipe: ImageRecipe) -> Path:
    target = _folder(version) / f"{name}.tar"
    with locked(target):
        if not target.exists():
            shell = _static_busybox(version)
            applets = set(run([str(shell), "--list"]).split()) - {"busybox"}
            links = {f"/bin/{applet}": "busybox" for applet in applets}
            complete = replace(recipe, files={**recipe.files, "/bin/busybox": shell}, links=links)
            with replacing(target) as part:
                ociimage.write(complete, part, arch.host())
    return target


def _static_busybox(version: str) -> Path:
    """Return Debian's busybox, from the package busybox-static."""
    target = _folder(version) / "busybox"
    with locked(target):
        if not target.exists():
            with task("busybox of Debian"), replacing(target) as part:
                root = part.with_suffix(".tar")
                debian.make_root(root, ("busybox-static",), variant="extract")
                with tarfile.open(root) as archive:
                    (name,) = (n for n in archive.getnames() if n.endswith("bin/busybox"))
                    source = archive.extractfile(name)
                    assert source is not None
                    with source, part.open("wb") as file:
                        shutil.copyfileobj(source, file)
                root.unlink()
                part.chmod(0o755)
    return target
