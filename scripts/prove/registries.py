"""This host's package registry settings, passed on to a fresh machine.

Mirrors, proxies, passwords and certificate authorities are in the configuration of apt, pip and Go.
They go into the machine's environment and root only, never into a file of the checkout.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.uv_settings import parse_pip_config

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
APT = Path("/etc/apt")
# Settings of Go's that say where modules come from: https://go.dev/ref/mod#environment-variables
GO = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOAUTH")
# What says in any program's environment where packages come from, and whom to trust for that.
PREFIXES = ("PIP_", "UV_", "SSL_CERT_")
SUFFIXES = ("_PROXY", "_CA_BUNDLE", "_CAINFO")


def environment() -> dict[str, str]:
    """Return the variables that make pip, uv and Go use the registries of this host."""
    return {**_of_pip(), **_of_go(), **dict(_inherited(os.environ))}


def _inherited(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        upper = name.upper()
        if upper.startswith(PREFIXES) or upper.endswith(SUFFIXES) or name in GO:
            yield name, value


def _of_pip() -> dict[str, str]:
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    settings = parse_pip_config(listing.stdout)
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.items()}


def _of_go() -> dict[str, str]:
    go = shutil.which("go")
    if go is None:
        return {}
    said = subprocess.run([go, "env", "-json", *GO], capture_output=True, text=True, check=True)
    settings: dict[str, str] = json.loads(said.stdout)
    return {name: value for name, value in settings.items() if value}


def apt_options() -> list[str]:
    """Return options of mmdebstrap(1) for access to the package sources as on this host."""
    settings = [f for f in _files(APT / "apt.conf.d", APT / "apt.conf") if "Acquire" in _text(f)]
    passwords = _files(APT / "auth.conf.d", APT / "auth.conf")
    return [
        *(f"--aptopt={file}" for file in settings),
        *(f"--setup-hook=copy-in {file} {file.parent}" for file in passwords),
    ]


def trust_as_here(root: Path) -> None:
    """Copy the CAs that this host trusts, and its passwords (netrc(5)), into the root."""
    local = root / "usr/local/share/ca-certificates"
    local.mkdir(parents=True, exist_ok=True)
    shutil.copy(CERTIFICATES, local / "host.crt")
    subprocess.run(["chroot", str(root), "update-ca-certificates"], check=True, capture_output=True)
    netrc = Path.home() / ".netrc"
    if netrc.exists():
        shutil.copy(netrc, root / "root")


def _files(folder: Path, *files: Path) -> list[Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [file for file in (*files, *found) if file.is_file()]


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
