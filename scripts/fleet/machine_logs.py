"""Machine logs on the terminal: one as is, several line by line with the machine's name."""

from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.logs import NO_SUCH_LOG, LogRange, open_container_log, open_unit_log
from ops.hosts.ssh import Connection, connected
from scripts.fleet.relay import BROKEN_PIPE_STATUS, CHUNK, write_all

if TYPE_CHECKING:
    import paramiko

FAILED = 2
OpenLog = Callable[[Connection], "paramiko.Channel"]


def show_unit(machine: InventoryMachine, unit: str, log_range: LogRange) -> int:
    """Show a unit's log; return the exit status."""
    return _show([machine], lambda connection: open_unit_log(connection, unit, log_range))


def show_containers(
    machines: Sequence[InventoryMachine], container: str, log_range: LogRange
) -> int:
    """Show the logs of a container on all these machines; return the exit status.

    It is an error if no machine has such a container, or if a machine cannot be queried.
    """
    return _show(machines, lambda connection: open_container_log(connection, container, log_range))


def _show(machines: Sequence[InventoryMachine], open_log: OpenLog) -> int:
    """Show logs in parallel; a machine that does not answer does not block the others."""
    results: SimpleQueue[int] = SimpleQueue()
    lock = Lock()
    for machine in machines:
        prefix = f"[{machine.name}] " if len(machines) > 1 else ""
        reader = _Reader(machine, open_log, prefix, lock, results)
        # Abandoned when this process is interrupted; the remote command then ends by itself.
        Thread(target=reader.run, daemon=True).start()
    statuses = []
    for _ in machines:
        statuses.append(results.get())
        if statuses[-1] == BROKEN_PIPE_STATUS:
            return BROKEN_PIPE_STATUS
    if all(status == NO_SUCH_LOG for status in statuses):
        return FAILED
    return FAILED if any(status not in (0, NO_SUCH_LOG) for status in statuses) else 0


class _Reader:
    """Shows one machine's log; its script's exit status goes to `results`."""

    def __init__(
        self,
        machine: InventoryMachine,
        open_log: OpenLog,
        prefix: str,
        lock: Lock,
        results: "SimpleQueue[int]",
    ) -> None:
        self._machine = machine
        self._open_log = open_log
        self._prefix = prefix.encode()
        self._lock = lock
        self._results = results

    def run(self) -> None:
        """Show the log to its end; report any error."""
        status = FAILED
        try:
            status = self._read()
        except BrokenPipeError:
            status = BROKEN_PIPE_STATUS
        except OperatorError as error:
            self._report_error(str(error))
        finally:
            self._results.put(status)

    def _read(self) -> int:
        with connected(self._machine.login) as connection:
            channel = self._open_log(connection)
            for line in _lines(channel.recv):
                self._print(1, self._prefix + line)
            for line in _lines(channel.recv_stderr):
                self._report_error(line.decode(errors="replace").rstrip())
            status = channel.recv_exit_status()
            if status < 0:
                self._report_error("the connection was lost")
            return status

    def _report_error(self, text: str) -> None:
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
