"""What holds for every test."""

import os
import signal
import sys
from typing import Any

from tests.tooling import programs


def pytest_configure() -> None:
    """Have SIGINT end what the tests start, and let them start only what every host has.

    A shell without job control starts background jobs with SIGINT ignored, and children inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.addaudithook(_refuse_unlisted)


def _refuse_unlisted(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail the test that starts what a fresh host lacks, although this one has it."""
    if event == "subprocess.Popen" and (name := programs.unlisted(os.fsdecode(arguments[0]))):
        raise AssertionError(
            f"a test starts {name}, which a fresh host may lack: name it in scripts/setup.sh"
        )
