"""Host connections and sessions, and operations over them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ops.errors import OperatorError
from ops.hosts import operations
from ops.hosts.login import Login
from ops.hosts.operations import Operation
from ops.hosts.ssh import Connection, Report, connected

SHOWN_LINES = 20
# The exit status of `timeout` when the time limit is exceeded.
TOO_LONG = 124


class OperationFailed(OperatorError):
    """An operation that ended with another exit status than 0: TOO_LONG, or its script's own."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class HostConnection:
    """Root access to one machine."""

    def __init__(self, machine: str, login: Login) -> None:
        self.machine = machine
        self._login = login

    @contextmanager
    def open(self, *, patience_seconds: float = 0) -> "Iterator[HostSession]":
        """Log in, retrying for `patience_seconds`; raises Unreachable."""
        with connected(self._login, patience_seconds=patience_seconds) as connection:
            yield HostSession(self.machine, connection)


class HostSession:
    """An open connection to one machine."""

    def __init__(self, machine: str, connection: Connection) -> None:
        self._machine = machine
        self._connection = connection

    def run(
        self,
        call: str,
        operation: Operation,
        settings: Mapping[str, str],
        stream: Iterable[bytes] = (),
        report: Report | None = None,
    ) -> str:
        """Run `call`, a function of the operation, on the stream; return its standard output.

        With `report`, which gets each line immediately, its errors are part of its output.
        Raises OperationFailed with the last lines of its output.
        """
        finished = operations.run(self._connection, call, operation, settings, stream, report)
        if finished.status:
            said = f"{finished.out}\n{finished.err}".strip().splitlines()[-SHOWN_LINES:]
            how = (
                f"timed out after {operation.seconds} s"
                if finished.status == TOO_LONG
                else f"failed ({finished.ending})"
            )
            lines = "\n  ".join(said)
            text = f"{self._machine}: {call.replace('_', ' ')} {how}:\n  {lines}"
            raise OperationFailed(text, finished.status)
        return finished.out
