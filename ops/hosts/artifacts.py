"""The artifacts of a host: files to send, or URLs to download from, by role; and its own table.

All are described by two tables beside the artifacts, read by scripts/node/install.sh: `index`
(checksum, kind, name, path or image reference) and `downloads` (path, URL, checksum or its URL,
archive member). The table of the host's files (kind `files`) is a text of ops/hosts/content.py.
"""

import hashlib
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from model import paths, pins
from model.artifacts import upstream
from model.artifacts.bundle import Bundle, BundleError
from model.versions import parse
from ops.errors import OperatorError
from ops.hosts import content

CHUNK = 1 << 20
# Disk space in addition to the artifacts: unpacked images, logs and pods.
ROOM = 2 << 30
UNPACKED = 3
DOWNLOADED = 4 << 30


@dataclass(frozen=True)
class HostArtifacts:
    """The tables for one host, the files listed in them, and the checksum of its table of files."""

    index: str
    downloads: str
    files: tuple[tuple[str, Path, int], ...]
    table: str = ""

    @cached_property
    def digest(self) -> str:
        """The digest of the tables, computed as in host_facts.sh."""
        text = self.index + self.downloads
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def disk(self) -> int:
        """The disk space in bytes that a host must have free."""
        return ROOM + (UNPACKED * sum(size for *_, size in self.files) or DOWNLOADED)

    def unpacked_bytes(self, files: Iterable[tuple[str, Path, int]]) -> int:
        """Return the space that the images among these files need in the container runtime."""
        kinds = {row.split("\t")[0]: row.split("\t")[1] for row in self.index.splitlines()}
        return sum((UNPACKED - 1) * size for name, _, size in files if kinds.get(name) == "image")

    def with_table(self, table: str) -> "HostArtifacts":
        """Return these artifacts with the table of this checksum; "" is none."""
        rows = _table([(table, "files", "managed", "-")] if table else [])
        return replace(self, index=self.index + rows, table=table)

    def missing(self, have: set[str]) -> list[tuple[str, Path, int]]:
        """Return what has to be sent to a host that has the files with these checksums."""
        missing = [file for file in self.files if file[0] not in have]
        if self.table and self.table not in have:
            size = len(content.get(self.table).encode())
            missing.append((self.table, content.file(self.table), size))
        return missing


def for_host(
    *,
    source: str,
    mirror: str | None,
    kubernetes_version: str,
    arch: str,
    role: str,
    supplements: Sequence[str] = (),
    sums: Mapping[str, str] = MappingProxyType({}),
) -> HostArtifacts:
    """Return a host's artifacts; raise OperatorError if the bundle is missing or incomplete.

    Files of a mirror are verified with `sums`; raises OperatorError if one is not among them.
    """
    version = str(parse(kubernetes_version))
    if source == "upstream":
        return _upstream(version, arch, mirror, sums)
    try:
        bundle = Bundle.of(version, arch, supplements)
    except BundleError as error:
        raise OperatorError(
            f"{error}; or let the hosts download the artifacts: set artifacts.source: upstream"
        ) from None
    files = {a.sha256: (a.sha256, bundle.file(a), a.size) for a in bundle.for_role(role)}
    return HostArtifacts(bundle.index(role), "", tuple(files.values()))


def archives(
    sums: Collection[str], *, kubernetes_version: str, arch: str, role: str
) -> list[tuple[str, Path, int]]:
    """Return the files with these checksums from the bundle; raise OperatorError if one is gone.

    Those of the supplements on this host count: a checksum says which file is meant.
    """
    if not sums:
        return []
    given = for_host(
        source="bundle",
        mirror=None,
        kubernetes_version=kubernetes_version,
        arch=arch,
        role=role,
        supplements=[
            name for name in pins.SUPPLEMENTS if paths.supplement_dir(name, arch).is_dir()
        ],
    )
    found = [file for file in given.files if file[0] in sums]
    if len(found) < len(sums):
        raise OperatorError(
            f"the bundle of {kubernetes_version} on this host is not the one from which the "
            "machine got its images: run `fleet refresh` and `fleet up` to send the current ones"
        )
    return found


def _upstream(
    version: str, arch: str, mirror: str | None, sums: Mapping[str, str]
) -> HostArtifacts:
    files = upstream.downloads(version, arch, mirror)
    if missing := upstream.unverified(files, mirror, sums):
        raise OperatorError(
            f"artifacts.sums has no checksum of {', '.join(missing)}: a mirror cannot vouch for "
            f"itself. `fleet build sums --version {version} --arch {arch}`, where the projects' "
            "sites can be reached, prints them"
        )
    rows = [
        (
            file.install,
            file.url,
            f"sha256:{sums[file.address(mirror)]}" if mirror else file.sums,
            file.member or "-",
        )
        for file in files
    ]
    return HostArtifacts("", _table(rows), ())


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def tar(files: Iterable[tuple[str, Path, int]]) -> Iterator[bytes]:
    """Stream a tar of the files, each named by its checksum."""
    for name, path, size in files:
        header = tarfile.TarInfo(name)
        header.size = size
        yield header.tobuf(tarfile.USTAR_FORMAT)
        yield from _content(path, size)
        yield b"\0" * (-size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    try:
        with path.open("rb") as file:
            while left and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk
    except OSError as error:
        raise OperatorError(f"the bundle's file {path} cannot be read: {error.strerror}") from None
    if left:
        raise OperatorError(
            f"the bundle's file {path} is {left} bytes shorter than in its manifest: remove "
            f"{path.parents[1]} and run `make bundle`"
        )
