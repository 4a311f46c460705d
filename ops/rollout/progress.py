"""A rollout's progress as shown to the user: each step on each machine."""

from typing import Protocol


class Log(Protocol):
    """Shows one message; an ephemeral one only until the next, a warning also at the end."""

    def __call__(self, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        """Show `text`."""


class Progress:
    """The steps of one rollout, written to a log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def step(self, machine: str, text: str) -> None:
        """Show the current step; it is replaced by the next."""
        self._log(f"{machine}: {text}", ephemeral=True)

    def done(self, machine: str, text: str) -> None:
        """Show a finished step; it stays in the run's summary."""
        self._log(f"{machine}: {text}", ephemeral=False)

    def say(self, text: str) -> None:
        """Show a message about the cluster; it stays in the run's summary."""
        self._log(text, ephemeral=False)

    def warn(self, text: str) -> None:
        """Show a message about the cluster that is repeated at the end of the run."""
        self._log(text, ephemeral=False, warning=True)
