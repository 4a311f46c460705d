"""The snapshots of etcd that control planes keep: listed, taken, and copied to this host."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from model import snapshot
from model.backups import (
    FIRST_SECONDS,
    Backups,
    KeptSnapshot,
    combined,
    is_name,
    is_recent,
    taken_at,
)
from model.render import node_scripts
from model.report import MachineEntry, Unreadable
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from ops.hosts.ssh import CHUNK, SILENT_SECONDS, connected
from ops.hosts.ssh_errors import ConnectionLost
from ops.hosts.sudo import open_as_root

if TYPE_CHECKING:
    import paramiko

PARALLEL_MACHINES = 32


class CorruptSnapshot(OperatorError):
    """A snapshot's content does not match its checksum."""


def read(machines: Sequence[InventoryMachine], *, verify: bool = False) -> Backups:
    """Return what these control planes keep; of one that cannot be read, the reason."""
    now = datetime.now(UTC).replace(microsecond=0)

    def read_one(machine: InventoryMachine) -> Backups:
        return read_machine(machine, now, verify=verify)

    with ThreadPoolExecutor(PARALLEL_MACHINES) as pool:
        return combined(list(pool.map(read_one, machines)), now)


def read_machine(machine: InventoryMachine, now: datetime, *, verify: bool = False) -> Backups:
    """Return what one control plane keeps, judged at `now`; if it cannot be read, the reason."""
    entry = MachineEntry(cluster=machine.cluster, node=machine.name)
    try:
        kept = _list(machine, verify=verify)
    except OperatorError as error:
        reason = Unreadable(cluster=machine.cluster, node=machine.name, reason=str(error))
        return Backups(time=now, unreadable=(reason,))
    if any(is_recent(found.taken, now) for found in kept.snapshots):
        return Backups(time=now, snapshots=kept.snapshots)
    lacking = {"new": (entry,)} if kept.is_new else {"overdue": (entry,)}
    return Backups(time=now, snapshots=kept.snapshots, **lacking)


def take(machine: InventoryMachine) -> None:
    """Take a snapshot on this control plane now; raises OperatorError."""
    with HostConnection(machine.name, machine.login).open() as session:
        session.run("snapshot_now", OPERATIONS["snapshot_now"], {"NODE_NAME": machine.name})


def copy(machine: InventoryMachine, kept: KeptSnapshot, path: Path) -> str:
    """Copy a snapshot into a new private file; return the file's sha256.

    A copy that was interrupted is resumed. The file appears complete and verified, or not at all.
    Raises CorruptSnapshot, or another OperatorError.
    """
    part = path.with_name(f".{path.name}.{machine.name}.{kept.name}.part")
    part.touch(0o600)
    with part.open("ab") as file:
        _receive(machine, kept.name, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        verified = snapshot.read(str(part))
    except snapshot.SnapshotError as error:
        part.unlink()
        raise CorruptSnapshot(f"{machine.name}: {kept.name}: {error}") from None
    _publish(part, path)
    return verified.sha256


@dataclass(frozen=True)
class _Listed:
    """What one control plane keeps; `is_new` if its first snapshot may be still to come."""

    snapshots: tuple[KeptSnapshot, ...]
    is_new: bool


def _list(machine: InventoryMachine, *, verify: bool) -> _Listed:
    settings = {"VERIFY": "yes" if verify else "no"}
    with HostConnection(machine.name, machine.login).open() as session:
        printed = session.run("list_snapshots", OPERATIONS["list_snapshots"], settings)
    *lines, last = printed.splitlines() or [""]
    if last != "complete":
        raise OperatorError("its response was incomplete: run the command again")
    listed = [line.split("\t") for line in lines]
    kept = tuple(_kept(machine, *fields) for fields in listed if is_name(fields[0]))
    ages = [int(fields[1]) for fields in listed if fields[0] == "member"]
    return _Listed(kept, not kept and any(0 <= age <= FIRST_SECONDS for age in ages))


def _kept(machine: InventoryMachine, name: str, size: str, state: str) -> KeptSnapshot:
    return KeptSnapshot.model_validate(
        {
            "cluster": machine.cluster,
            "node": machine.name,
            "name": name,
            "taken": taken_at(name),
            "size_bytes": int(size),
            "state": state,
        }
    )


def _receive(machine: InventoryMachine, name: str, file: BinaryIO) -> None:
    """Append what is not in the file yet."""
    settings = {"SNAPSHOT_NAME": name, "OFFSET": str(file.tell())}
    text = node_scripts.compose(OPERATIONS["send_snapshot"].script, settings).encode()
    with connected(machine.login) as connection:
        channel = open_as_root(connection, text, "send_snapshot")
        channel.settimeout(SILENT_SECONDS)
        try:
            while data := channel.recv(CHUNK):
                file.write(data)
            _require_success(channel, machine)
        except TimeoutError:
            raise ConnectionLost(
                f"{machine.login}: nothing was received for {SILENT_SECONDS} s: run the command "
                "again, which resumes the copy"
            ) from None


def _require_success(channel: "paramiko.Channel", machine: InventoryMachine) -> None:
    status = channel.recv_exit_status()
    if status < 0:
        raise ConnectionLost(
            f"{machine.login}: the connection was lost: run the command again, which resumes the "
            "copy"
        )
    if status:
        errors = b"".join(iter(lambda: channel.recv_stderr(CHUNK), b"")).decode(errors="replace")
        raise OperatorError(f"{machine.name}: the snapshot cannot be read: {errors.strip()}")


def _publish(part: Path, path: Path) -> None:
    """Give the complete file its name, unless there is one of this name."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise OperatorError(f"{path} exists: remove it, or name another file") from None
    finally:
        part.unlink()
