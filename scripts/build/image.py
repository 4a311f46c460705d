"""Build a machine image: the root file system that container machines share.

An image is a Debian root with the bundle's binaries installed, and for each role a containerd
directory with the bundle's images imported and unpacked, so a new machine only has to boot.
Its name is a digest of its inputs; it is built once and used read-only.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import click

from model import paths, pins
from model.artifacts.bundle import Artifact, Bundle, BundleError
from model.files import remove, replacing
from model.machine import CONTROL_PLANE, WORKER
from model.machine_image import (
    BOOT,
    BOOT_UNIT,
    HOST_FACTS,
    KUBELET_DROP_IN,
    MASKED,
    PACKAGES,
    ROLE_ARTIFACTS,
    STATE,
    base_name,
    image_name,
)
from model.plural import counted
from model.render.containerd import PAUSE_IMAGE
from model.render.machine_files import COMMON_FILES, table
from scripts.build import containerd, debian
from scripts.build.cache_entry import BuildError, locked, require_space
from scripts.build.progress import megabytes, say, task
from scripts.build.shell import copy_tree, run
from scripts.build.version_type import VERSION

SPACE = 4 * 10**9


def base_root() -> Path:
    """Return a plain Debian root, built if there is none: a host before it is enrolled."""
    folder = paths.image_dir(base_name(debian.codename()))
    with locked(folder):
        if not folder.exists():
            with task(f"Debian {debian.codename()} root"), replacing(folder) as part:
                make_plain(part / "root")
    return folder / "root"


def make_plain(
    root: Path, release: debian.Release | None = None, options: Sequence[str] = ()
) -> None:
    """Fill the new folder `root` with a plain root of this host's release, or of another."""
    root.mkdir(parents=True)
    # apt is no part of every distribution's smallest root.
    packages = (*PACKAGES, "apt")
    debian.make_root(root, packages, variant="minbase", release=release, options=options)
    _trim(root)


def make(version: str, supplements: Sequence[str] = ()) -> Path:
    """Return the machine image for a Kubernetes version, building it if there is none.

    It has the files of these supplements, too.
    """
    bundle = Bundle.of(version, supplements=supplements)
    folder = paths.image_dir(image_name(debian.codename(), bundle))
    with locked(folder):
        if not (folder / "image.json").exists():
            require_space(folder.parent, SPACE, "a machine image")
            base = base_root()
            with replacing(folder) as part:
                _fill(part, base, bundle)
    return folder


def _fill(part: Path, base: Path, bundle: Bundle) -> None:
    part.mkdir()
    with task("root with the bundle's binaries"):
        copy_tree(base, part / "root")
        _install(part / "root", bundle)
        _configure(part / "root", bundle.named("pause"))
    worker = [artifact for artifact in bundle.for_role(WORKER) if artifact.kind == "image"]
    rest = [
        artifact
        for artifact in bundle.for_role(CONTROL_PLANE)
        if artifact.kind == "image" and artifact not in worker
    ]
    with task(f"{counted(len(worker), 'image')} for workers"):
        containerd.import_images(bundle, worker, part / "containerd" / WORKER)
    with task(f"{counted(len(rest), 'more image')} for control planes"):
        copy_tree(part / "containerd" / WORKER, part / "containerd" / CONTROL_PLANE)
        containerd.import_images(bundle, rest, part / "containerd" / CONTROL_PLANE)
    for role in (WORKER, CONTROL_PLANE):
        _write_role_artifacts(part / ROLE_ARTIFACTS / role, bundle, role)
    document = {"kubernetesVersion": bundle.kubernetes_version, "bundle": bundle.digest}
    (part / "image.json").write_text(json.dumps(document, indent=2) + "\n")
    for folder in (part / "root", *sorted((part / "containerd").iterdir())):
        # In one go, files that two parts share would count for the first of them only.
        size = int(run(["du", "--summarize", "--block-size=1", str(folder)]).split()[0])
        say(f"  {folder.relative_to(part)}: {megabytes(size)}")


def _install(root: Path, bundle: Bundle) -> None:
    state = root / STATE
    (state / "artifacts").mkdir(parents=True)
    notes = []
    for artifact in bundle.artifacts:
        if artifact.install and {CONTROL_PLANE, WORKER} & set(artifact.roles):
            target = root / artifact.install.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.file(artifact), target)
            target.chmod(0o755)
            # The same file under its sum: what a machine is repaired from.
            (state / "artifacts" / artifact.sha256).hardlink_to(target)
            notes.append(_note(artifact, target))
    (state / "files").write_text("".join(notes))
    (state / "installed").write_text(f"{bundle.kubernetes_version}\n")


def _note(artifact: Artifact, file: Path) -> str:
    """Return what install.sh notes of a file that it installed."""
    found = file.stat()
    time = f"{found.st_mtime_ns // 10**9}.{found.st_mtime_ns % 10**9:09}"
    return f"{artifact.install}\t{artifact.sha256}\t{found.st_size}\t{time}\n"


def _write_role_artifacts(folder: Path, bundle: Bundle, role: str) -> None:
    """Write the index of artifacts and the list of images of machines with this role."""
    folder.mkdir(parents=True)
    images = [artifact for artifact in bundle.for_role(role) if artifact.image]
    (folder / "index").write_text(bundle.index(role))
    (folder / "images").write_text("".join(f"{a.image}\t{a.sha256}\n" for a in images))


def _configure(root: Path, pause: Artifact) -> None:
    """Write the files that every machine has, and what only containers need."""
    facts = {**HOST_FACTS, PAUSE_IMAGE: str(pause.image)}
    for file in COMMON_FILES:
        path = root / file.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reduce(lambda text, fact: text.replace(*fact), facts.items(), file.content))
        path.chmod(file.mode)
    (root / STATE / "managed").write_text(table(COMMON_FILES))
    boot = root / "usr/local/sbin/kubeadm-fleet-boot"
    boot.write_text(BOOT)
    boot.chmod(0o755)
    (root / "etc/systemd/system/kubeadm-fleet-boot.service").write_text(BOOT_UNIT)
    drop_in = root / "etc/systemd/system/kubelet.service.d/20-container.conf"
    drop_in.write_text(KUBELET_DROP_IN)
    drop_in.chmod(0o600)
    _inside(root, "systemctl enable --quiet containerd kubelet kubeadm-fleet-boot ssh")


def _trim(root: Path) -> None:
    """Remove what would make two machines identical, and what slows a boot down."""
    for unit in MASKED:
        link = root / "etc/systemd/system" / unit
        remove(link)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/dev/null")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/machine-id").write_text("")
    (root / "etc/default/locale").write_text("LANG=C.UTF-8\n")
    (root / "etc/ssh/sshd_config.d/kubeadm-fleet.conf").write_text(
        "PasswordAuthentication no\nHostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n"
        "AcceptEnv LANG LC_*\nMaxStartups 100\nMaxSessions 100\n"
    )
    remove(root / "var/cache/apt")
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)


def _inside(root: Path, script: str) -> None:
    finished = subprocess.run(
        ["chroot", str(root), "bash", "-c", script], capture_output=True, text=True
    )
    if finished.returncode:
        raise BuildError(f"configuring the image failed: {finished.stderr}")


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--version", required=True, type=VERSION, help="Kubernetes version, for example 1.36.3."
)
@click.option(
    "--supplement", "supplements", multiple=True, type=click.Choice(sorted(pins.SUPPLEMENTS)),
    help="A supplement whose files the image has, too; repeatable.",
)  # fmt: skip
def main(version: str, supplements: tuple[str, ...]) -> None:
    """Build the root image of container machines for one Kubernetes version.

    Needs root and the version's bundle (`fleet build bundle`). The image is built once and kept in
    the cache; a second call returns immediately.
    """
    try:
        folder = make(version, supplements)
    except (BuildError, BundleError) as error:
        raise click.ClickException(str(error)) from None
    say(f"machine image {folder.name} is ready")


if __name__ == "__main__":
    sys.exit(main())
