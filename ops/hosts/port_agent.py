"""One host that tries its ports with others: scripts/node/ports.sh over SSH."""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from model.render import node_scripts
from ops.hosts import clones
from ops.hosts.ssh import Connection, send
from ops.hosts.ssh_errors import Unreachable
from ops.hosts.sudo import open_as_root

if TYPE_CHECKING:
    import paramiko

READY, SENT, DONE = "ready", "sent", "done"
FIREWALL, FORWARD, IDENTITY = "firewall ", "forward ", "identity "
# For each phase; one takes four seconds at most.
SILENCE_SECONDS = 30


class PortAgent:
    """A running agent; `number` is carried in its datagrams, `firewall` is active there.

    `forward` is a chain there that drops what pods send ("" if there is none), `identity` what
    distinguishes its host from others.
    """

    def __init__(
        self,
        connection: Connection,
        number: int,
        address: str,
        *,
        listens: Collection[int],
        sends: Iterable[tuple[str, str, int]],
        pod_subnet: str,
    ) -> None:
        settings = {
            "NODE_ADDRESS": address,
            "SELF": str(number),
            "TCP_PORTS": " ".join(map(str, sorted(listens))),
            "TRIALS": "".join(f"{protocol} {to} {port}\n" for protocol, to, port in sends),
            "POD_SUBNET": pod_subnet,
        }
        text = node_scripts.compose("ports", settings).encode()
        self.number = number
        self._login = connection.login
        self._channel: paramiko.Channel = open_as_root(connection, text, "try_ports")
        self._channel.settimeout(SILENCE_SECONDS)
        self._lines = self._channel.makefile()
        lines = self._until(READY)
        self.firewall = next(_after(FIREWALL, lines), "")
        self.forward = next(_after(FORWARD, lines), "")
        self.identity = clones.parse(_after(IDENTITY, lines))

    def send(self) -> list[str]:
        """Have it send, once all others listen; it answers with `connections`."""
        self._continue()
        return []

    def connections(self) -> list[str]:
        """Return the connections that it got, as `PROTOCOL ADDRESS PORT`."""
        return self._until(SENT)

    def report(self) -> list[str]:
        """Return whose datagrams arrived, as `PROTOCOL PORT NUMBER`, once all others have sent."""
        self._continue()
        return self._until(DONE)

    def _continue(self) -> None:
        try:
            send(self._channel, b"\n")
        except OSError as error:
            raise self._lost(error) from None

    def _until(self, end: str) -> list[str]:
        found: list[str] = []
        try:
            while (line := self._lines.readline()) and line.strip() != end:
                found.append(line.strip())
        except OSError as error:
            raise self._lost(error) from None
        if not line:
            said = self._channel.makefile_stderr().read().decode(errors="replace").strip()
            raise self._lost(said or "it ended")
        return found

    def _lost(self, reason: object) -> Unreachable:
        return Unreachable(f"{self._login}: its ports could not be tried: {reason}")


def _after(prefix: str, lines: Iterable[str]) -> Iterator[str]:
    return (line.removeprefix(prefix) for line in lines if line.startswith(prefix))
