"""What a machine is installed from: its image's own files, and another version's beside them.

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
    """Write to a new machine's disk what its image holds for its role."""
    source = _supplies_of_image(spec)
    if source.is_dir():
        state = root / STATE
        shutil.copyfile(source / "index", state / "artifacts" / "index")
        shutil.copyfile(source / "images", state / "images")


def of_image(spec: MachineSpec) -> str:
    """Return the digest of what the machine's image holds for its role; "" when it says nothing."""
    index = _supplies_of_image(spec) / "index"
    return HostArtifacts(index.read_text(), "", "", ()).digest if index.exists() else ""


def supply(spec: MachineSpec, given: HostArtifacts) -> None:
    """Give the machine the files that it does not have, and what it is told of them."""
    state = disk.mount(spec) / STATE
    artifacts = state / "artifacts"
    artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The last note of an image's reference says what it is now.
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
