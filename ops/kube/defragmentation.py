"""Defragmentation of etcd: it gives the free space in the members' databases back to the disk.

A member does not answer while it is defragmented, so they are defragmented one at a time, each
after all members are healthy again, and the leader last: otherwise each turn would be an election.
https://etcd.io/docs/v3.6/op-guide/maintenance/#defragmentation
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ops.errors import OperatorError
from ops.kube import etcd, etcd_space
from ops.kube.client import Client
from ops.kube.etcd_space import RUNBOOK, Database
from ops.kube.exec import ExecError, run
from ops.wait import wait_until

# For a database of 8 GiB, the largest that etcd recommends, on a slow disk.
DEFRAGMENTATION_SECONDS = 600
DEFRAGMENT = ("defrag", f"--command-timeout={DEFRAGMENTATION_SECONDS - 10}s")
COMPACT = ("compact", "--command-timeout=30s")
COMPACTED = "has been compacted"
DISARM = ("alarm", "disarm", "--command-timeout=4s")
RECOVERY_SECONDS = 60.0


@dataclass(frozen=True)
class Member:
    """A member with its database."""

    name: str
    address: str
    role: str
    healthy: bool
    database: Database | None


@dataclass(frozen=True)
class Defragmented:
    """A member that was defragmented: its database before and after."""

    member: Member
    after: Database
    seconds: float


def members(client: Client) -> list[Member]:
    """Return the members by name, each with its database; None if it does not answer."""
    databases = {found.address: found for found in etcd_space.read_databases(client)}
    found = [_member(member, databases.get(member.address)) for member in etcd.members(client)]
    return sorted(found, key=lambda member: member.name)


def defragment(client: Client, report: Callable[[str], None]) -> Iterator[Defragmented]:
    """Defragment the members, yield each; `report` is called with a line before each step.

    Raises OperatorError, before anything is done, unless all members are healthy. A database that
    was full is compacted first, since the API server could not, and its alarm is disarmed at the
    end.
    """
    remaining = {member.name for member in _healthy(client)}
    full = _is_full(client)
    if full:
        report("compacting: the API server cannot while etcd accepts no writes")
        _compact(client)
    while remaining:
        member = _next(_await_healthy(client, remaining), remaining)
        report(f"{member.name}: defragmenting ({member.role})")
        begun = time.monotonic()
        _defragment(client, member)
        remaining.remove(member.name)
        after = {found.name: found.database for found in _await_healthy(client, remaining)}
        database = after[member.name]
        assert database is not None, "a healthy member has one"
        yield Defragmented(member, database, time.monotonic() - begun)
    if full:
        _disarm(client)
        report("the alarm NOSPACE is disarmed: etcd accepts writes again")


def _member(listed: etcd.Member, database: Database | None) -> Member:
    role = "leader" if database and database.leader else "follower"
    return Member(
        name=listed.name or listed.address,
        address=listed.address,
        role="learner" if listed.learner else role,
        healthy=listed.healthy and database is not None,
        database=database,
    )


def _healthy(client: Client) -> list[Member]:
    """Return the members if all are healthy, otherwise raise OperatorError."""
    found = members(client)
    if unhealthy := [f"{member.name} ({member.address})" for member in found if not member.healthy]:
        raise OperatorError(
            f"unhealthy members of etcd: {', '.join(unhealthy)}. Defragmenting another one could "
            "cost etcd its quorum: fix or replace them first"
        )
    return found


def _await_healthy(client: Client, remaining: set[str]) -> list[Member]:
    return wait_until(
        lambda: _healthy(client),
        RECOVERY_SECONDS,
        lambda reason: OperatorError(
            f"{reason}. Not defragmented: {', '.join(sorted(remaining)) or 'none'}"
        ),
        passing=(OperatorError,),
    )


def _next(found: list[Member], remaining: set[str]) -> Member:
    """Return the next member: the leader only if it alone is left."""
    return min(
        (member for member in found if member.name in remaining),
        key=lambda member: member.role == "leader",
    )


def _is_full(client: Client) -> bool:
    """Whether a member has raised the alarm NOSPACE: with another one, none is healthy."""
    return any(found.alarms for found in etcd_space.read_databases(client))


def _compact(client: Client) -> None:
    revision = max(found.revision for found in etcd_space.read_databases(client))
    member = members(client)[0]
    status, errors = _etcdctl(client, member, (*COMPACT, str(revision)), 40.0)
    if status != 0 and COMPACTED not in errors:
        raise OperatorError(f"etcd could not be compacted: {errors}")


def _defragment(client: Client, member: Member) -> None:
    status, errors = _etcdctl(client, member, DEFRAGMENT, DEFRAGMENTATION_SECONDS)
    if status != 0:
        raise OperatorError(f"{member.name} could not be defragmented: {errors}")


def _disarm(client: Client) -> None:
    found = etcd_space.read_databases(client)
    if still := [database.address for database in found if database.is_nearly_full]:
        raise OperatorError(
            f"the databases on {', '.join(still)} are still nearly full, so the alarm is not "
            f"disarmed: delete objects or raise the quota: see {RUNBOOK}"
        )
    status, errors = _etcdctl(client, members(client)[0], DISARM, etcd.EXEC_SECONDS)
    if status != 0:
        raise OperatorError(f"the alarm could not be disarmed: {errors}")


def _etcdctl(
    client: Client, member: Member, command: tuple[str, ...], seconds: float
) -> tuple[int, str]:
    """Run a command on one member, in its own pod; return its exit status and its errors."""
    words = [*etcd.ETCDCTL, *command]
    try:
        ended = run(client, etcd.NAMESPACE, f"etcd-{member.name}", words, deadline_seconds=seconds)
    except ExecError as error:
        raise OperatorError(
            f"the outcome of `etcdctl {command[0]}` on {member.name} is unknown: {error}. Look at "
            "`fleet etcd status`, then run the command again"
        ) from None
    return ended.status, ended.errors.strip().splitlines()[-1] if ended.errors.strip() else ""
