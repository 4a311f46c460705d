"""The tool chain's folder: executables for PATH, and a record of what they are.

The record lies beside the folder, so that PATH holds nothing but programs.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from model.files import write_whole
from scripts.build.cache_entry import MakerError
from scripts.build.download import sha256

RECORD = "manifest.json"


@dataclass(frozen=True)
class Program:
    """One executable: its version, where it came from, and what it is."""

    name: str
    version: str
    origin: str
    sha256: str
    size: int


def describe(file: Path, version: str, origin: str) -> Program:
    """Describe an executable that is in place."""
    return Program(file.name, version, origin, sha256(file), file.stat().st_size)


def write(folder: Path, programs: Mapping[str, Program]) -> None:
    """Write the record, atomically."""
    document = {"programs": [asdict(each) for each in programs.values()]}
    write_whole(folder.parent / RECORD, json.dumps(document, indent=2) + "\n")


def read(folder: Path) -> dict[str, Program]:
    """Return what the record says, by name; nothing when there is none that can be read."""
    try:
        document = json.loads((folder.parent / RECORD).read_text())
        programs = [Program(**each) for each in document["programs"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
    return {each.name: each for each in programs}


def missing(folder: Path, versions: Mapping[str, str]) -> list[str]:
    """Return which programs are not there in the wanted version, as far as a look can tell."""
    there = read(folder)
    return [
        name
        for name, version in versions.items()
        if name not in there
        or there[name].version != version
        or not (folder / name).is_file()
        or (folder / name).stat().st_size != there[name].size
    ]


def verify(folder: Path) -> None:
    """Verify the checksum of every program; raise MakerError naming all that differ."""
    wrong = [
        each.name for each in read(folder).values() if sha256(folder / each.name) != each.sha256
    ]
    if wrong:
        raise MakerError(
            f"{folder}: {', '.join(wrong)} were modified after installation: "
            f"remove {folder.parent} and run `make toolchain`"
        )
