"""Processes of this host, by number."""

from pathlib import Path

from tests.waiting import await_true


def is_running(process: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(process: int, *, timeout: float) -> None:
    """Wait for the end of a process."""
    await_true(lambda: not is_running(process), f"the end of process {process}", seconds=timeout)
