"""The artifacts of a machine: its image's files, and those of another version.

The machine's step `prepare` reads the tables (scripts/node/install.sh) and checks every file's sum
before it uses it.
"""

import shutil
from pathlib import Path

from model.files import replacing, write_whole
from ops.hosts.artifacts import HostArtifacts
from ops.nspawn import disk
from ops.nspawn.spec import MachineSpec

STATE = "var/lib/kubeadm-fleet"


def tell(spec: MachineSpec, root: Path) -> None:
    """Write the image's artifact tables for the role to a new machine's disk."""
    source = _supplies_of_image(spec)
    if source.is_dir():
        state = root / STATE
        shutil.copyfile(source / "index", state / "artifacts" / "index")
        shutil.copyfile(source / "images", state / "images")


def of_image(spec: MachineSpec) -> str:
    """Return the digest of the image's artifacts for the machine's role; "" if it has none."""
    index = _supplies_of_image(spec) / "index"
    return HostArtifacts(index.read_text(), "", "", ()).digest if index.exists() else ""


def supply(spec: MachineSpec, given: HostArtifacts) -> None:
    """Copy missing artifacts to the machine, and write their tables."""
    state = disk.mount(spec) / STATE
    artifacts = state / "artifacts"
    artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The last line for an image's reference is the current one.
    imported = set(dict(line.split("\t") for line in _lines(state / "images")).values())
    for name, source, _ in given.files:
        if name not in imported and not (artifacts / name).exists():
            with replacing(artifacts / name) as part:
                shutil.copyfile(source, part)
    for name, table in (
        ("index", given.index),
        ("downloads", given.downloads),
        ("mirrors", given.mirrors),
    ):
        write_whole(artifacts / name, table)
    wanted = {"index", "downloads", "mirrors", *(name for name, *_ in given.files)}
    for file in artifacts.iterdir():
        if file.name not in wanted and file.is_file():
            file.unlink()


def _supplies_of_image(spec: MachineSpec) -> Path:
    return Path(spec.image) / "supplies" / spec.role


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
