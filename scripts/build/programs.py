"""The tool chain's folder of executables for PATH, and a record of their versions and checksums.

The record is beside the folder, so that PATH contains only programs.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from model.files import write_whole
from scripts.build.cache_entry import BuildError
from scripts.build.download import sha256

RECORD = "manifest.json"


@dataclass(frozen=True)
class Program:
    """One executable: its version, its origin and its checksum."""

    name: str
    version: str
    origin: str
    sha256: str
    size: int


def describe(file: Path, version: str, origin: str) -> Program:
    """Describe an installed executable."""
    return Program(file.name, version, origin, sha256(file), file.stat().st_size)


def write(folder: Path, programs: Mapping[str, Program]) -> None:
    """Write the record, atomically."""
    document = {"programs": [asdict(program) for program in programs.values()]}
    write_whole(folder.parent / RECORD, json.dumps(document, indent=2) + "\n")


def read(folder: Path) -> dict[str, Program]:
    """Return the recorded programs by name; none if there is no readable record."""
    try:
        document = json.loads((folder.parent / RECORD).read_text())
        programs = [Program(**fields) for fields in document["programs"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return {program.name: program for program in programs}


def missing(folder: Path, versions: Mapping[str, str]) -> list[str]:
    """Return the programs that are missing, of another version or of another size."""
    recorded = read(folder)
    return [
        name
        for name, version in versions.items()
        if name not in recorded
        or recorded[name].version != version
        or not (folder / name).is_file()
        or (folder / name).stat().st_size != recorded[name].size
    ]


def verify(folder: Path) -> None:
    """Verify the checksum of every program; raise BuildError naming all that differ."""
    modified = [
        program.name
        for program in read(folder).values()
        if sha256(folder / program.name) != program.sha256
    ]
    if modified:
        raise BuildError(
            f"{folder}: modified after installation: {', '.join(modified)}. "
            f"Remove {folder.parent} and run `fleet build toolchain`"
        )
