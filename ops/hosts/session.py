"""The way into each machine: logins from the rollout's inputs, and operations run over them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ops.errors import OperatorError
from ops.hosts import operations
from ops.hosts.operations import Operation
from ops.hosts.ssh import Connection, Login, connected
from ops.hosts.sudo import Sudo

SHOWN_LINES = 20
# What `timeout` ends with when it had to end its command.
TOO_LONG = 124


class HostConnection:
    """How to run things as root on one machine."""

    def __init__(self, machine: str, given: Mapping[str, Any]) -> None:
        self.machine = machine
        self._login = _login(given)
        self._root = Sudo.of(given)

    @contextmanager
    def open(self, *, patience_seconds: float = 0) -> "Iterator[HostSession]":
        """Log in, trying for a while where nothing answers; raises Unreachable."""
        with connected(self._login, patience_seconds=patience_seconds) as connection:
            yield HostSession(self.machine, connection, self._root)


class HostSession:
    """An open connection to one machine."""

    def __init__(self, machine: str, connection: Connection, root: Sudo) -> None:
        self._machine = machine
        self._connection = connection
        self._root = root

    def run(
        self,
        call: str,
        operation: Operation,
        settings: Mapping[str, str],
        stream: Iterable[bytes] = (),
    ) -> str:
        """Run `call`, a function of the operation, on the stream; return what it printed.

        Raises OperatorError with the end of what it said.
        """
        finished = operations.run(
            self._connection, call, operation, settings, root=self._root, stream=stream
        )
        if finished.status:
            said = f"{finished.out}\n{finished.err}".strip().splitlines()[-SHOWN_LINES:]
            how = (
                f"was not done after {operation.seconds} s"
                if finished.status == TOO_LONG
                else f"failed (status {finished.status})"
            )
            lines = "\n  ".join(said)
            raise OperatorError(f"{self._machine}: {call.replace('_', ' ')} {how}:\n  {lines}")
        return finished.out


def connections(props: Mapping[str, Any]) -> dict[str, HostConnection]:
    """Return the way into every machine of the rollout's inputs."""
    return {name: HostConnection(name, given) for name, given in props["logins"].items()}


def _login(given: Mapping[str, Any]) -> Login:
    key, bastion = given.get("private_key"), given.get("bastion")
    return Login(
        given["host"],
        int(given["port"]),
        given["user"],
        given.get("host_key"),
        key,
        _login({**bastion, "private_key": key}) if bastion else None,
    )
