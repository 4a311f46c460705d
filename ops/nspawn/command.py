"""Running commands on this host, with errors that name the command."""

import subprocess

from ops.errors import OperatorError

DEADLINE_SECONDS = 60


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command that must succeed; return its standard output."""
    try:
        finished = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=DEADLINE_SECONDS
        )
    except FileNotFoundError:
        raise OperatorError(
            f"{command[0]} is not installed on this host: run `make up` as root"
        ) from None
    if finished.returncode:
        raise OperatorError(f"`{' '.join(command)}` failed: {finished.stderr.strip()}")
    return finished.stdout


def succeeds(*command: str) -> bool:
    """Return whether the command exits with status 0."""
    return subprocess.run(command, capture_output=True, timeout=DEADLINE_SECONDS).returncode == 0
