"""Translates this machine's pip configuration into settings of uv.

A machine behind a mirror, or with its own certificate authority, is configured for pip (pip.conf or
PIP_*), which uv does not read. scripts/setup.sh evaluates the output before anything is installed:
standard library only. A value may contain a password: it is printed only in the assignment that the
shell evaluates.
https://pip.pypa.io/en/stable/topics/configuration/
https://docs.astral.sh/uv/reference/environment/
"""

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Later sections win over earlier ones, as they do for `pip install`.
SECTIONS = ("global", "install", ":env:")


def parse_pip_config(listing: str) -> dict[str, str]:
    """Return the effective settings of `pip install` from the output of `pip config list`."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in found:
            found[section][name] = str(ast.literal_eval(value))
    return found["global"] | found["install"] | found[":env:"]


def uv_settings(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's environment variables for pip's settings; the user's own settings of uv win."""
    links = [link for link in pip.get("find-links", "").split() if _exists(link)]
    extra = pip.get("extra-index-url", "").split()
    wanted = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(extra),
        # pip uses all its indexes equally. That is safe here: every file is pinned by its hash.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("default-timeout", pip.get("timeout", "")),
        "UV_OFFLINE": "1" if pip.get("no-index", "").lower() in ("1", "true", "yes", "on") else "",
        "SSL_CERT_FILE": pip.get("cert", ""),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
    }
    return {name: value for name, value in wanted.items() if value and name not in environ}


def _exists(link: str) -> bool:
    """Pip only warns about a missing folder; uv would fail."""
    return "://" in link or Path(link).is_dir()


def of_this_machine() -> dict[str, str]:
    """Return the variables that make uv behave like pip, except those already set."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    return uv_settings(parse_pip_config(listing.stdout), os.environ)


def main() -> None:
    """Print one `export` line for each of uv's variables."""
    for name, value in of_this_machine().items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
