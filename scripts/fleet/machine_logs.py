"""Machine logs on the terminal: one as is, several line by line with the machine's name."""

from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.logs import NO_SUCH_LOG, LogRange, open_container_log, open_unit_log
from ops.hosts.ssh import Connection, connected
from scripts.fleet.relay import CHUNK, NOBODY_READS, write_all

if TYPE_CHECKING:
    import paramiko

FAILED = 2
Open = Callable[[Connection], "paramiko.Channel"]


def show_unit(machine: InventoryMachine, unit: str, wanted: LogRange) -> int:
    """Show a unit's log; return the exit status."""
    return _show([machine], lambda connection: open_unit_log(connection, unit, wanted))


def show_containers(machines: Sequence[InventoryMachine], container: str, wanted: LogRange) -> int:
    """Show the logs of a container on all these machines; return the exit status.

    It is an error if no machine has such a container, or if a machine cannot be queried.
    """
    return _show(machines, lambda connection: open_container_log(connection, container, wanted))


def _show(machines: Sequence[InventoryMachine], open_log: Open) -> int:
    """Show logs in parallel; a machine that does not answer does not block the others."""
    ended: SimpleQueue[int] = SimpleQueue()
    lock = Lock()
    for machine in machines:
        prefix = f"[{machine.name}] " if len(machines) > 1 else ""
        reader = _Reader(machine, open_log, prefix, lock, ended)
        # Abandoned when this process is interrupted; the remote command then ends by itself.
        Thread(target=reader.run, daemon=True).start()
    statuses = []
    for _ in machines:
        statuses.append(ended.get())
        if statuses[-1] == NOBODY_READS:
            return NOBODY_READS
    if all(status == NO_SUCH_LOG for status in statuses):
        return FAILED
    return FAILED if any(status not in (0, NO_SUCH_LOG) for status in statuses) else 0


class _Reader:
    """Shows one machine's log; its script's exit status goes to `ended`."""

    def __init__(
        self,
        machine: InventoryMachine,
        open_log: Open,
        prefix: str,
        lock: Lock,
        ended: "SimpleQueue[int]",
    ) -> None:
        self._machine = machine
        self._open_log = open_log
        self._prefix = prefix.encode()
        self._lock = lock
        self._ended = ended

    def run(self) -> None:
        """Show the log to its end; report any error."""
        status = FAILED
        try:
            status = self._read()
        except BrokenPipeError:
            status = NOBODY_READS
        except OperatorError as error:
            self._complain(str(error))
        finally:
            self._ended.put(status)

    def _read(self) -> int:
        with connected(self._machine.login) as connection:
            channel = self._open_log(connection)
            for line in _lines(channel.recv):
                self._print(1, self._prefix + line)
            for line in _lines(channel.recv_stderr):
                self._complain(line.decode(errors="replace").rstrip())
            status = channel.recv_exit_status()
            if status < 0:
                self._complain("the connection was lost")
            return status

    def _complain(self, text: str) -> None:
        self._print(2, f"fleet: {self._machine.name}: {text}\n".encode())

    def _print(self, target: int, line: bytes) -> None:
        with self._lock:
            write_all(target, line)


def _lines(receive: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield complete lines as they arrive; a newline is added to an unfinished last one."""
    rest = b""
    while data := receive(CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest + b"\n"
