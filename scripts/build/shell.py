"""Running build commands, with errors that show the end of their output."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.build.cache_entry import BuildError

LAST_LINES = 25
# Child processes never outlive this program.
DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    seconds: int = 3600,
) -> str:
    """Run a command that must succeed; return its standard output."""
    try:
        finished = subprocess.run(
            command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=seconds
        )
    except FileNotFoundError:
        raise BuildError(f"{command[0]} is not installed: run scripts/setup.sh as root") from None
    if finished.returncode:
        printed = "\n".join((finished.stdout + finished.stderr).splitlines()[-LAST_LINES:])
        raise BuildError(f"`{' '.join(command)}` failed:\n{printed}")
    return finished.stdout


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with owners, modes, attributes, links and devices."""
    run(["cp", "--archive", "--reflink=auto", str(source), str(target)])
