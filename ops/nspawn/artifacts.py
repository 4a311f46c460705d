"""The artifacts of a machine: its image's files, those of another version, and its table.

The machine's steps read the tables (scripts/node/install.sh) and check every file's sum before they
use it.
"""

import shutil
from pathlib import Path

from model.files import replacing, write_whole
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.artifacts import UNPACKED, HostArtifacts
from ops.nspawn import disk, image
from ops.nspawn.spec import MachineSpec

STATE = "var/lib/kubeadm-fleet"
ARTIFACTS = f"{STATE}/artifacts"
# Disk space that is left free on this host: it has other machines.
RESERVE = 1 << 30


def write_initial(spec: MachineSpec, root: Path, table: str) -> None:
    """Write the artifacts of a new machine to its disk, on which the image's files are already."""
    source = _image_artifacts(spec)
    if source.is_dir():
        shutil.copyfile(source / "images", root / STATE / "images")
    if (given := of_image(spec, table)).index:
        artifacts = _folder(root)
        _write_table(artifacts, table)
        write_whole(artifacts / "index", given.index)


def of_image(spec: MachineSpec, table: str) -> HostArtifacts:
    """Return the artifacts of a new machine; its image has the files."""
    index = _image_artifacts(spec) / "index"
    rows = index.read_text() if index.exists() else ""
    return HostArtifacts(rows, "", ()).with_table(table)


def sync(spec: MachineSpec, given: HostArtifacts) -> None:
    """Copy missing artifacts to the machine, and write their tables."""
    root = disk.mount(spec)
    artifacts = _folder(root)
    # The last line for an image's reference is the current one.
    imported = set(dict(line.split("\t") for line in _lines(root / STATE / "images")).values())
    missing = [
        file
        for file in given.files
        if file[0] not in imported and not (artifacts / file[0]).exists()
    ]
    _require_space(spec, artifacts, UNPACKED * sum(size for *_, size in missing))
    for name, source, _ in missing:
        with replacing(artifacts / name) as part:
            shutil.copyfile(source, part)
    _write_table(artifacts, given.table)
    for name, table in (("index", given.index), ("downloads", given.downloads)):
        write_whole(artifacts / name, table)
    wanted = {"index", "downloads", *(name for name, *_ in given.files), given.table}
    for file in artifacts.iterdir():
        if file.name not in wanted and file.is_file():
            file.unlink()


def _require_space(spec: MachineSpec, folder: Path, needed: int) -> None:
    """Raise OperatorError unless this host has space for a machine's artifacts, also unpacked."""
    free = shutil.disk_usage(folder).free
    if needed and free < needed + RESERVE:
        raise OperatorError(
            f"{spec.hostname}: nothing was sent: {free >> 20} MiB free in {spec.folder} on this "
            f"host, {(needed + RESERVE) >> 20} MiB needed: free disk space and run `fleet up` again"
        )


def has_table(spec: MachineSpec, table: str) -> bool:
    """Return whether the machine's disk, mounted or not, has this table of files."""
    return (spec.folder / "upper" / ARTIFACTS / table).is_file()


def _folder(root: Path) -> Path:
    artifacts = root / ARTIFACTS
    artifacts.mkdir(parents=True, exist_ok=True)
    artifacts.chmod(0o700)
    return artifacts


def _write_table(artifacts: Path, table: str) -> None:
    if not (artifacts / table).exists():
        write_whole(artifacts / table, content.get(table))


def _image_artifacts(spec: MachineSpec) -> Path:
    return image.held(spec) / "artifacts" / spec.role


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
