"""Tar files: reproducible writing, and extraction of single members."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from model.files import replacing
from scripts.build.cache_entry import BuildError


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file without a time or an owner."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def add_file(archive: tarfile.TarFile, name: str, source: Path, mode: int = 0o644) -> None:
    """Add the content of a file here, without its time or owner."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = source.stat().st_size, mode
    with source.open("rb") as content:
        archive.addfile(info, content)


def add_folder(archive: tarfile.TarFile, name: str) -> None:
    """Add a folder without a time or an owner."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(info)


def add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    """Add a symbolic link without a time or an owner."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    archive.addfile(info)


def extract_programs(archive: Path, members: Mapping[str, str], folder: Path) -> None:
    """Put executables into `folder`: `members` maps the name of each to its path in the archive."""
    with tarfile.open(archive) as opened:
        files = {_plain(found.name): found for found in opened.getmembers() if found.isfile()}
        for name, path in members.items():
            member = files.get(_plain(path))
            source = opened.extractfile(member) if member else None
            if source is None:
                raise BuildError(f"{archive.name} has no file {path}")
            with replacing(folder / name) as part:
                part.write_bytes(source.read())
                part.chmod(0o755)


def _plain(path: str) -> str:
    return path.removeprefix("./")
