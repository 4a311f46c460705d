"""The document that `fleet exec -o json` prints.

Its fields are those of the schema in docs/exec.schema.json.
"""

from datetime import datetime

from pydantic import Field

from model.report import ReportEntry


class CommandResult(ReportEntry):
    """What the command did for one cluster."""

    cluster: str = Field(description="The cluster.")
    exit_status: int | None = Field(
        description="128 and the signal's number if a signal ended it; null if it did not end."
    )
    reason: str = Field(description="Why there is no exit status; empty if there is one.")
    seconds: float = Field(description="How long it ran.")
    stdout: str = Field(description="Its output; bytes that are not UTF-8 are replaced.")
    stderr: str = Field(description="Its errors; bytes that are not UTF-8 are replaced.")

    @property
    def is_success(self) -> bool:
        """Whether the command ended with the exit status 0."""
        return self.exit_status == 0


class CommandReport(ReportEntry):
    """The command, and its results in the order of the clusters' names."""

    time: datetime = Field(description="When it began.")
    command: tuple[str, ...] = Field(description="The command with its arguments.")
    results: tuple[CommandResult, ...] = Field(description="One for each cluster.")
