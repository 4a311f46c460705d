"""Logs of a machine: of a systemd unit, or of the containers of a name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.render import node_scripts
from ops.hosts.operations import OPERATIONS
from ops.hosts.ssh import Connection
from ops.hosts.sudo import open_as_root

if TYPE_CHECKING:
    import paramiko

# What scripts/node/logs.sh ends with where there is no such log.
NO_SUCH_LOG = 3


@dataclass(frozen=True)
class LogRange:
    """Which part of a log: None is no limit; with `follow` also what is still to come."""

    follow: bool = False
    last_lines: int | None = None
    since_seconds: int | None = None


def open_unit_log(connection: Connection, unit: str, part: LogRange) -> "paramiko.Channel":
    """Start to read the journal of a unit; closing the connection ends the remote command."""
    return _open(connection, "unit_log", {"UNIT": unit}, part)


def open_container_log(
    connection: Connection, container: str, part: LogRange
) -> "paramiko.Channel":
    """Start to read the logs of the containers of a name; the API is not used."""
    return _open(connection, "container_log", {"CONTAINER": container}, part)


def _open(
    connection: Connection, call: str, subject: dict[str, str], part: LogRange
) -> "paramiko.Channel":
    settings = {
        **subject,
        "FOLLOW": "yes" if part.follow else "no",
        "LAST_LINES": _text(part.last_lines),
        "SINCE_SECONDS": _text(part.since_seconds),
    }
    text = node_scripts.compose(OPERATIONS[call].script, settings).encode()
    return open_as_root(connection, text, call)


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)
