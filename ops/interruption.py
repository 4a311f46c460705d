"""Whether this run was interrupted: its providers stop between two actions, and in waits.

The engine itself waits for running steps. It starts providers in process groups of their own, so
that no signal reaches them, and the SDK does nothing when the engine asks them to cancel. So the
command that runs the engine makes a file, whose path is in the environment of both.
"""

import os
from pathlib import Path

from ops.errors import OperatorError

VARIABLE = "KUBEADM_FLEET_INTERRUPT"


class Interrupted(OperatorError):
    """The run stopped since it was interrupted; the text says what was not done."""


def request(file: Path) -> None:
    """Ask the providers that know of this file to stop."""
    file.touch()


def is_requested() -> bool:
    """Whether this process is asked to stop."""
    file = os.environ.get(VARIABLE, "")
    return bool(file) and Path(file).exists()


def stop_before(what: str) -> None:
    """Raise Interrupted if the run was interrupted; `what` is not done then."""
    if is_requested():
        raise Interrupted(f"interrupted before {what}: `fleet up` continues")
