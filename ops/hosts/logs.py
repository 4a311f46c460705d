"""Logs of a machine: of a systemd unit, or of the containers of a name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.hosts.operations import OPERATIONS, text_of
from ops.hosts.ssh import Connection
from ops.hosts.sudo import open_as_root

if TYPE_CHECKING:
    import paramiko

# What scripts/node/logs.sh ends with where there is no such log.
NO_SUCH_LOG = 3


@dataclass(frozen=True)
class Wanted:
    """Which part of a log: None is no limit; with `follow` also what is still to come."""

    follow: bool = False
    last_lines: int | None = None
    since_seconds: int | None = None


def open_unit_log(connection: Connection, unit: str, wanted: Wanted) -> "paramiko.Channel":
    """Start to read what the journal has of a unit; closing the connection ends it there."""
    return _open(connection, "unit_log", {"UNIT": unit}, wanted)


def open_container_log(
    connection: Connection, container: str, wanted: Wanted
) -> "paramiko.Channel":
    """Start to read what the containers of a name wrote last; the API is not asked."""
    return _open(connection, "container_log", {"CONTAINER": container}, wanted)


def _open(
    connection: Connection, call: str, subject: dict[str, str], wanted: Wanted
) -> "paramiko.Channel":
    settings = {
        **subject,
        "FOLLOW": "yes" if wanted.follow else "no",
        "LAST_LINES": _text(wanted.last_lines),
        "SINCE_SECONDS": _text(wanted.since_seconds),
    }
    return open_as_root(connection, text_of(OPERATIONS[call], settings), call)


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)
