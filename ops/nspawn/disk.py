"""The disk of a machine: an overlay over its image, and containerd's own directory.

containerd's snapshots are overlays themselves and cannot lie on one. Its directory is a copy whose
files are hard links into the image: only its two databases are ever changed in place.
"""

import shutil
from pathlib import Path

from model.files import replacing
from ops.errors import OperatorError
from ops.nspawn import image
from ops.nspawn.command import run, succeeds
from ops.nspawn.spec import MachineSpec

DATABASES = ("meta.db", "metadata.db")


def create(spec: MachineSpec) -> None:
    """Create the machine's disk without mounting it."""
    folder = spec.folder
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(exist_ok=True)
    containerd = image.hold(spec) / "containerd" / spec.role
    if containerd.is_dir():
        _link_containerd(containerd, folder / "containerd")
    else:
        (folder / "containerd").mkdir()


def root(spec: MachineSpec) -> Path:
    """The mount point of the disk."""
    return spec.folder / "root"


def mount(spec: MachineSpec) -> Path:
    """Mount the disk, if it is not mounted; return its mount point."""
    target = root(spec)
    if not is_mounted(target):
        lower = image.held(spec) / "root"
        if not lower.is_dir():
            raise OperatorError(
                f"{spec.hostname}: the base image of its disk, {lower}, is missing, and without it "
                "the disk cannot be read: replace the machine with `fleet pulumi up --replace`"
            )
        layers = f"lowerdir={lower},upperdir={spec.folder}/upper,workdir={spec.folder}/work"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(target))
    return target


def unmount(spec: MachineSpec) -> None:
    """Unmount the disk."""
    target = root(spec)
    while is_mounted(target):
        if not succeeds("umount", str(target)):
            # A process outside of the machine uses its disk, such as an operator's shell.
            run("umount", "--lazy", str(target))


def is_mounted(path: Path) -> bool:
    """Return whether `path` is a mount point."""
    wanted = str(path.resolve()).replace(" ", "\\040")  # proc(5) writes blanks in octal
    return any(
        line.split()[4] == wanted for line in Path("/proc/self/mountinfo").read_text().splitlines()
    )


def _link_containerd(source: Path, target: Path) -> None:
    """Copy containerd's directory as hard links, except for its databases."""
    image.link_tree(source, target)
    for name in DATABASES:
        for database in target.rglob(name):
            with replacing(database) as copy:
                shutil.copy2(database, copy)
