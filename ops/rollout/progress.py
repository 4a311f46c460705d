"""What a person sees of a rollout while it works: each step on each machine."""

from typing import Protocol


class Log(Protocol):
    """Shows one message; an ephemeral one only until the next."""

    def __call__(self, text: str, *, ephemeral: bool) -> None:
        """Show `text`."""


class Progress:
    """The steps of one rollout, written to a log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def step(self, machine: str, text: str) -> None:
        """Show what is being done now; it stays until the next."""
        self._log(f"{machine}: {text}", ephemeral=True)

    def done(self, machine: str, text: str) -> None:
        """Show what was done; it stays in the run's summary."""
        self._log(f"{machine}: {text}", ephemeral=False)

    def say(self, text: str) -> None:
        """Show something about the cluster; it stays in the run's summary."""
        self._log(text, ephemeral=False)
