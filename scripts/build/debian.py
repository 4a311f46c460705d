"""Debian (or Ubuntu) root file systems, built from this host's package sources."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.machine_image import digest
from scripts.build.cache_entry import BuildError
from scripts.build.shell import run

APT = Path("/etc/apt")


@dataclass(frozen=True)
class Release:
    """A release: its code name and its package sources (sources.list(5))."""

    codename: str
    sources: str


def codename() -> str:
    """The release of this host, such as "bookworm"."""
    found = platform.freedesktop_os_release().get("VERSION_CODENAME")
    if not found:
        raise BuildError(
            "/etc/os-release has no VERSION_CODENAME: only Debian and Ubuntu are supported"
        )
    return found


def sources() -> str:
    """Return this host's own package sources that belong to its release."""
    release = codename()
    entries = [*_stanzas(release), *_lines(release)]
    if not entries:
        raise BuildError(f"{APT} has no package sources for {release}: see sources.list(5)")
    return "\n".join(entries)


def own() -> Release:
    """Return this host's own release."""
    return Release(codename(), sources())


def make_root(
    target: Path,
    packages: Sequence[str],
    *,
    variant: str,
    release: Release | None = None,
    options: Sequence[str] = (),
    inside: Sequence[str] = (),
) -> None:
    """Create a root with `packages` in `target`, a folder or a .tar file.

    The default release is this host's own. `options` are further options of mmdebstrap(1), which is
    run through the command prefix `inside`.
    """
    release = release or own()
    run(
        [
            *inside, "mmdebstrap", "--quiet", f"--variant={variant}",
            f"--include={','.join(packages)}", "--mode=root",
            '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            *options, release.codename, str(target), "-",
        ],
        stdin=release.sources,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
    )  # fmt: skip


def recipe_hash(*parts: str) -> str:
    """Return a short hash of everything that determines a root's content."""
    return digest(codename(), *parts)


def _stanzas(release: str) -> Iterator[str]:
    """The stanzas of *.sources files (deb822) that name a suite of the release."""
    for file in sorted((APT / "sources.list.d").glob("*.sources")):
        for stanza in file.read_text().split("\n\n"):
            fields = dict(
                (key.strip().lower(), value)
                for line in stanza.splitlines()
                if not line.startswith("#")
                for key, _, value in [line.partition(":")]
            )
            if any(_belongs(suite, release) for suite in fields.get("suites", "").split()):
                yield stanza.strip() + "\n"


def _lines(release: str) -> Iterator[str]:
    """The lines of *.list files that name a suite of the release."""
    for file in (APT / "sources.list", *sorted((APT / "sources.list.d").glob("*.list"))):
        for line in file.read_text().splitlines() if file.exists() else ():
            if line.startswith("deb ") and any(_belongs(word, release) for word in line.split()):
                yield line


def _belongs(suite: str, release: str) -> bool:
    return suite == release or suite.startswith(f"{release}-")
