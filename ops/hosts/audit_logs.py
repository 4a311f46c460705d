"""The audit logs of control planes, filtered where they are and read in parallel."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from model.audit import events
from model.audit.collection import Collection
from model.audit.query import Query
from model.audit.report import LogSource
from model.render import node_scripts
from model.render.node_paths import AUDIT_FOLDER
from model.report import Unreadable
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.ssh import CHUNK, connected
from ops.hosts.ssh_errors import ConnectionLost
from ops.hosts.sudo import open_as_root

if TYPE_CHECKING:
    import paramiko

PARALLEL_MACHINES = 32
CALL = "audit_log"
# How long a host may find nothing.
SILENT_SECONDS = 300
# An event has the bodies of a request and of its response, of 3 MiB each, which JSON may lengthen.
LONGEST_LINE = 64 << 20
# As scripts/node/audit_log.sh ends where there is no log, and how it writes times in names.
NO_AUDIT_LOG = 3
ROTATION_TIME = "%Y-%m-%dT%H-%M-%S.000"
SHOWN_ERRORS = 5


def read(
    machines: Sequence[InventoryMachine], query: Query, collection: Collection
) -> tuple[list[LogSource], list[Unreadable]]:
    """Collect the events that answer the query; of a log that cannot be read, return the reason.

    The events of a log that could not be read to its end are collected as well.
    """
    lock = Lock()

    def read_one(machine: InventoryMachine) -> LogSource | Unreadable:
        return read_machine(machine, query, collection, lock)

    with ThreadPoolExecutor(PARALLEL_MACHINES) as pool:
        answers = list(pool.map(read_one, machines))
    return (
        [each for each in answers if isinstance(each, LogSource)],
        [each for each in answers if isinstance(each, Unreadable)],
    )


def read_machine(
    machine: InventoryMachine, query: Query, collection: Collection, lock: Lock
) -> LogSource | Unreadable:
    """Collect the events of one control plane; the lock is held while one is added."""
    try:
        return _read(machine, query, collection, lock)
    except OperatorError as error:
        return Unreadable(cluster=machine.cluster, node=machine.name, reason=str(error))


def settings(query: Query) -> dict[str, str]:
    """Return the settings of scripts/node/audit_log.sh."""
    oldest = query.oldest_rotation
    return {
        "FILTERS": "".join(map(str, query.filters)),
        "OLDEST_ROTATION": oldest.astimezone(UTC).strftime(ROTATION_TIME) if oldest else "",
    }


def _read(machine: InventoryMachine, query: Query, collection: Collection, lock: Lock) -> LogSource:
    text = node_scripts.compose(OPERATIONS[CALL].script, settings(query)).encode()
    skipped, is_last_skipped = 0, False
    with connected(machine.login) as connection:
        channel = open_as_root(connection, text, CALL)
        channel.settimeout(SILENT_SECONDS)
        try:
            for line in lines(channel.recv):
                event = None if line is None else events.parse(line)
                is_last_skipped = event is None
                skipped += is_last_skipped
                if line and event and (answer := query.answer(event, line)):
                    with lock:
                        collection.add((machine.cluster, machine.name), answer)
            begins = _beginning(channel, machine)
        except TimeoutError:
            raise ConnectionLost(
                f"{machine.login}: nothing was received for {SILENT_SECONDS} s: check the load of "
                "the host, or narrow the time with --since"
            ) from None
    # The last line may be one that the API server is writing.
    return LogSource(
        cluster=machine.cluster,
        node=machine.name,
        begins=begins,
        skipped_lines=skipped - is_last_skipped,
    )


def lines(receive: Callable[[int], bytes], longest: int = LONGEST_LINE) -> Iterator[bytes | None]:
    """Yield complete lines as they arrive; None for one that is too long to be an event."""
    parts: list[bytes] = []
    length = 0
    while data := receive(CHUNK):
        *complete, rest = data.split(b"\n")
        for line in complete:
            yield None if length + len(line) > longest else b"".join((*parts, line))
            parts, length = [], 0
        length += len(rest)
        # What is too long is counted, and not kept.
        if length > longest:
            parts = []
        elif rest:
            parts.append(rest)
    if length:
        yield None if length > longest else b"".join(parts)


def _beginning(channel: "paramiko.Channel", machine: InventoryMachine) -> datetime | None:
    """Return the time of the log's oldest event; raises OperatorError if it was not read."""
    said = b"".join(iter(lambda: channel.recv_stderr(CHUNK), b"")).decode(errors="replace")
    status = channel.recv_exit_status()
    if status < 0:
        raise ConnectionLost(f"{machine.login}: the connection was lost: run the command again")
    if status == NO_AUDIT_LOG:
        raise OperatorError(
            f"there is no {AUDIT_FOLDER} on {machine.name}: run `fleet up`, which has its API "
            "server write one"
        )
    facts = [line.split("\t") for line in said.splitlines()]
    if status:
        errors = [" ".join(fields) for fields in facts if fields[0] != "begins"][-SHOWN_ERRORS:]
        raise OperatorError(
            f"the audit log was not read to its end ({'; '.join(errors) or f'status {status}'}): "
            f"check {AUDIT_FOLDER} on {machine.name}"
        )
    return next((_time(fields[1]) for fields in facts if fields[0] == "begins"), None)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
