"""Package sources of a test: real packages, made by dpkg-deb, with a Release of our own.

A machine reads their folders with `deb [trusted=yes] file:...`, or over http.
"""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

RELEASE = """\
Origin: Debian
Label: {label}
Suite: {suite}
Codename: {suite}
Date: Thu, 26 Nov 2026 12:00:00 UTC
Architectures: all amd64
SHA256:
 {sum} {size} Packages
"""


@dataclass(frozen=True)
class Source:
    """One source: a folder with packages and their index."""

    folder: Path
    label: str
    suite: str

    def add(
        self, name: str, version: str, *, depends: str = "", postinst: str = "", size_kib: int = 0
    ) -> None:
        """Add a package that installs /usr/share/NAME/version."""
        root = self.folder.parent / "build"
        shutil.rmtree(root, ignore_errors=True)
        (root / "DEBIAN").mkdir(parents=True)
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            f"Maintainer: test <test@example.com>\nDescription: {name}\n"
        )
        control += f"Depends: {depends}\n" if depends else ""
        control += f"Installed-Size: {size_kib}\n" if size_kib else ""
        (root / "DEBIAN/control").write_text(control)
        if postinst:
            (root / "DEBIAN/postinst").write_text(f"#!/bin/sh\nset -e\n{postinst}\n")
            (root / "DEBIAN/postinst").chmod(0o755)
        shared = root / "usr/share" / name
        shared.mkdir(parents=True)
        (shared / "version").write_text(f"{version}\n")
        # A conffile, which an administrator may have changed.
        settings = root / "etc" / f"{name}.conf"
        settings.parent.mkdir()
        settings.write_text(f"version {version}\n")
        (root / "DEBIAN/conffiles").write_text(f"/etc/{name}.conf\n")
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}_{version}_all.deb"
        subprocess.run(
            ["dpkg-deb", "--build", "--root-owner-group", root, file],
            check=True,
            capture_output=True,
        )
        self.index()

    def index(self, more: str = "") -> None:
        """Write Packages and Release; `more` are entries without packages."""
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for file in sorted(self.folder.glob("*.deb")):
            fields = subprocess.run(
                ["dpkg-deb", "--field", file], check=True, capture_output=True, text=True
            ).stdout
            content = file.read_bytes()
            entries.append(
                f"{fields}Filename: ./{file.name}\nSize: {len(content)}\n"
                f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
            )
        packages = ("\n".join(entries) + more).encode()
        (self.folder / "Packages").write_bytes(packages)
        (self.folder / "Release").write_text(
            RELEASE.format(
                label=self.label,
                suite=self.suite,
                sum=hashlib.sha256(packages).hexdigest(),
                size=len(packages),
            )
        )


def sources(folder: Path) -> tuple[Source, Source]:
    """Return a source of ordinary packages, and one of Debian's security updates."""
    return (
        Source(folder / "main", "Debian", "stable"),
        Source(folder / "security", "Debian-Security", "stable-security"),
    )
