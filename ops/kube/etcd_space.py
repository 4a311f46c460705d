"""The space of etcd's databases: alarms, and databases that come near their quota.

A member whose database exceeds its quota raises the alarm NOSPACE, and the cluster accepts no
writes until space is freed and the alarm disarmed: no Node reports, nothing can be changed.
https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ops.errors import OperatorError
from ops.kube.client import PROBE_RETRIES, Client
from ops.kube.etcd import run_in_any_pod

STATUS = ("endpoint", "status", "--cluster", "--command-timeout=4s")
# The share of the quota from which on a database is reported.
FULL_SHARE = 0.8
RUNBOOK = "docs/runbooks/etcd-full.md"
MIB = 1 << 20


@dataclass(frozen=True)
class Database:
    """A member's database, in bytes; `in_use` is what defragmentation would leave."""

    address: str
    size: int
    in_use: int
    quota: int
    alarms: tuple[str, ...]
    leader: bool
    revision: int

    @property
    def is_nearly_full(self) -> bool:
        """Whether it comes near its quota."""
        return bool(self.quota) and self.size > FULL_SHARE * self.quota


def databases(client: Client) -> list[Database]:
    """Return the database of each member that answers; none if no etcd pod does."""
    with suppress(OperatorError):
        return read_databases(client)
    return []


def read_databases(client: Client) -> list[Database]:
    """Return the database of each member that answers; raise OperatorError if no etcd pod does."""
    (listed,) = run_in_any_pod(client, "", STATUS)
    return [
        Database(
            address=urlsplit(member["Endpoint"]).hostname or "",
            size=member["Status"].get("dbSize", 0),
            in_use=member["Status"].get("dbSizeInUse", 0),
            quota=member["Status"].get("dbSizeQuota", 0),
            alarms=tuple(
                error.partition("alarm:")[2].strip()
                for error in member["Status"].get("errors", ())
                if "alarm:" in error
            ),
            leader=member["Status"].get("leader") == member["Status"]["header"]["member_id"],
            revision=member["Status"]["header"].get("revision", 0),
        )
        for member in listed
    ]


def alarms(found: list[Database]) -> list[str]:
    """Return a line for each alarm that is raised."""
    raised = sorted({alarm for database in found for alarm in database.alarms})
    return [f"etcd has raised the alarm {alarm} and accepts no writes: see {RUNBOOK}"
            for alarm in raised]  # fmt: skip


def warnings(found: list[Database]) -> Iterator[str]:
    """Yield a line for each database that comes near its quota."""
    for database in found:
        if database.is_nearly_full:
            yield (
                f"etcd on {database.address}: its database has {database.size // MIB} MiB of "
                f"{database.quota // MIB} MiB, of which {database.in_use // MIB} MiB are in use: "
                f"see {RUNBOOK}"
            )


def reject_alarm(client: Client, cluster: str) -> None:
    """Raise OperatorError if an alarm is raised: a change would stop halfway."""
    if raised := alarms(databases(client.limited(retries=PROBE_RETRIES))):
        raise OperatorError(f"cluster {cluster}: {'; '.join(raised)}. No machine was changed.")
