"""Bundles built from the Go module registry: binaries, and images that contain them.

Every program is built into a folder of its own, which is complete or absent: an interrupted build
is resumed.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from model.artifacts.bundle import Artifact
from model.artifacts.upstream import CNI, LOCAL
from model.files import replacing
from scripts.build import arch as architectures
from scripts.build import debian, manifest_entries, ociimage, recipes
from scripts.build.cache_entry import BuildError, require_space
from scripts.build.gomodule import GoProgram, build, download, module_cache
from scripts.build.ociimage import ImageRecipe
from scripts.build.progress import task
from scripts.build.shell import run

MODULES_SPACE = 4 * 10**9
BASE_PACKAGES = (
    "iptables", "nftables", "conntrack", "ipset", "kmod", "bash", "coreutils", "busybox-static",
)  # fmt: skip
# Extracting packages runs no maintainer scripts, which would create these alternatives.
IPTABLES: Mapping[str, str] = {
    f"/usr/sbin/{name}{action}": "xtables-nft-multi"
    for name in ("iptables", "ip6tables")
    for action in ("", "-save", "-restore")
}
# A program that must be installed, and its Debian package.
NEEDS = {"gcc": "gcc", "mmdebstrap": "mmdebstrap"}
C_HEADER = Path("/usr/include/stdio.h")


def require_host(arch: str) -> None:
    """Raise BuildError with all prerequisites that this host lacks."""
    if arch != architectures.host():
        raise BuildError(
            f"a bundle for {arch} cannot be built on {architectures.host()}: "
            f"build it on an {arch} host, or download it with --source upstream or --mirror"
        )
    missing = [package for command, package in NEEDS.items() if not shutil.which(command)]
    if not C_HEADER.exists():
        missing.append("libc6-dev")
    if missing:
        raise BuildError(
            f"building a bundle requires the Debian packages {', '.join(missing)} "
            f"(flannel and pause contain C code): apt-get install {' '.join(missing)}"
        )
    if os.geteuid() != 0:
        raise BuildError(
            "building a bundle requires root, since images are based on a Debian root built here: "
            "run it with sudo, or download the bundle with --source upstream or --mirror"
        )
    require_space(module_cache(), MODULES_SPACE, "the source code of a bundle")


def artifacts(folder: Path, version: str, arch: str) -> tuple[Artifact, ...]:
    """Build what is missing in the folder and return all artifacts."""
    kubernetes = recipes.kubernetes(version)
    programs = _program(folder, "kubernetes", kubernetes)
    references = manifest_entries.images(programs / "kubeadm", version)
    tools = recipes.etcd_tools(manifest_entries.etcd_version(references))
    containerd, plugins = recipes.containerd(), recipes.cni_plugins()

    def binaries() -> Iterator[tuple[Path, str, GoProgram]]:
        for name in recipes.NODE_PROGRAMS:
            yield programs / name, LOCAL, kubernetes
        for file in sorted(_program(folder, "containerd", containerd).iterdir()):
            yield file, LOCAL, containerd
        for file in sorted(_program(folder, "cni", plugins).iterdir()):
            yield file, CNI, plugins
        for name, program in tools.items():
            yield _program(folder, name, program) / name, LOCAL, program

    def images() -> Iterator[tuple[str, ImageRecipe, str]]:
        for name in recipes.CONTROL_PLANE_PROGRAMS:
            files = {f"{LOCAL}/{name}": programs / name}
            yield name, ImageRecipe(references[name], files, [name]), kubernetes.origin
        yield "etcd", *_etcd(folder, references["etcd"], tools["etcdctl"])
        base = _base(folder)
        files = {f"{LOCAL}/kube-proxy": programs / "kube-proxy"}
        proxy = ImageRecipe(
            references["kube-proxy"], files, ["kube-proxy"], base=base, links=IPTABLES
        )
        yield "kube-proxy", proxy, kubernetes.origin
        yield "coredns", *_coredns(folder, references["coredns"])
        yield "pause", *_pause(folder, references["pause"], version)
        yield "flannel", *_flannel(folder, references["flannel"], base)
        yield "flannel-cni-plugin", *_flannel_plugin(folder, references["flannel-cni-plugin"], base)

    return (
        *(_binary(folder, *binary) for binary in binaries()),
        *(_image(folder, arch, *image) for image in images()),
    )


def supplement(
    folder: Path, name: str, references: Mapping[str, str], arch: str
) -> tuple[Artifact, ...]:
    """Build what is missing of a supplement in the folder and return its artifacts."""
    images = SUPPLEMENT_IMAGES[name](folder, references)
    return tuple(_image(folder, arch, *image) for image in images)


def _calico(folder: Path, references: Mapping[str, str]) -> Iterator[tuple[str, ImageRecipe, str]]:
    program = recipes.calico()
    programs = _program(folder, "calico", program)
    files = {f"{LOCAL}/calico-node": programs / "calico-node"}
    node = ImageRecipe(
        references["calico-node"], files, ["calico-node"], base=_base(folder), links=IPTABLES
    )
    yield "calico-node", node, program.origin
    files = {f"{CNI}/{name}": programs / name for name in ("calico", "install")}
    plugin = ImageRecipe(references["calico-cni"], files, [f"{CNI}/install"])
    yield "calico-cni", plugin, program.origin


def _metrics_server(
    folder: Path, references: Mapping[str, str]
) -> Iterator[tuple[str, ImageRecipe, str]]:
    (name,) = references
    program = recipes.metrics_server()
    files = {f"/{name}": _program(folder, name, program) / name}
    recipe = ImageRecipe(references[name], files, [f"/{name}"], user="65534:65534")
    yield name, recipe, program.origin


# What builds the images of each supplement.
SUPPLEMENT_IMAGES = {"calico": _calico, "metrics-server": _metrics_server}


def _etcd(folder: Path, reference: str, client: GoProgram) -> tuple[ImageRecipe, str]:
    server = recipes.etcd_server(client.version)
    files = {
        f"{LOCAL}/etcd": _program(folder, "etcd", server) / "server",
        f"{LOCAL}/etcdctl": _program(folder, "etcdctl", client) / "etcdctl",
    }
    return ImageRecipe(reference, files, ["etcd"]), server.origin


def _coredns(folder: Path, reference: str) -> tuple[ImageRecipe, str]:
    program = recipes.coredns(manifest_entries.tag_of(reference))
    files = {"/coredns": _program(folder, "coredns", program) / "coredns"}
    return ImageRecipe(reference, files, ["/coredns"]), program.origin


def _pause(folder: Path, reference: str, version: str) -> tuple[ImageRecipe, str]:
    """Return the container that holds a pod's namespaces: a C file in Kubernetes' source."""
    target = folder / "work" / "pause"
    if not target.exists():
        source = download(recipes.KUBERNETES, version) / "build" / "pause" / "linux" / "pause.c"
        define = f"-DVERSION={manifest_entries.tag_of(reference)}"
        with task("building pause"), replacing(target) as part:
            run(["gcc", "-Os", "-static", define, "-o", str(part), str(source)])
    recipe = ImageRecipe(reference, {"/pause": target}, ["/pause"], user="65535:65535")
    return recipe, f"{recipes.KUBERNETES}@{version}/build/pause"


def _flannel(folder: Path, reference: str, base: Path) -> tuple[ImageRecipe, str]:
    program = recipes.flannel()
    files = {"/opt/bin/flanneld": _program(folder, "flannel", program) / "flannel"}
    recipe = ImageRecipe(reference, files, ["/opt/bin/flanneld"], base=base, links=IPTABLES)
    return recipe, program.origin


def _flannel_plugin(folder: Path, reference: str, base: Path) -> tuple[ImageRecipe, str]:
    program = recipes.flannel_plugin()
    files = {"/flannel": _program(folder, "cni-flannel", program) / "flannel"}
    return ImageRecipe(reference, files, base=base), program.origin


def _base(folder: Path) -> Path:
    """Return the base layer of images that need Debian's programs."""
    target = folder / "work" / f"base-{debian.recipe_hash(*BASE_PACKAGES)}.tar"
    if not target.exists():
        with task("base layer of Debian packages"), replacing(target) as part:
            root = part.with_suffix(".tar")
            debian.make_root(root, BASE_PACKAGES, variant="extract")
            root.replace(part)
    return target


def _program(folder: Path, name: str, program: GoProgram) -> Path:
    """Return the folder with the program's executables, building it if it is missing."""
    target = folder / "work" / f"{name}-{program.version}"
    if not target.exists():
        with replacing(target) as part:
            build(program, part)
    return target


def _binary(folder: Path, file: Path, directory: str, program: GoProgram) -> Artifact:
    target = folder / "bin" / file.name
    if not target.exists():
        with replacing(target) as part:
            os.link(file, part)
    return manifest_entries.binary(
        folder, f"{directory}/{file.name}", program.version, program.origin
    )


def _image(folder: Path, arch: str, name: str, recipe: ImageRecipe, origin: str) -> Artifact:
    target = folder / manifest_entries.image_path(name)
    if not target.exists():
        with replacing(target) as part:
            ociimage.write(recipe, part, arch)
    return manifest_entries.image(folder, name, recipe.reference, origin)
