"""What `fleet status` says of machines from their reports: conditions, certificates, backups."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model.host_digests import Difference
from model.status import reasons, starting
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import Certificate
from ops.kube import host_reports
from ops.kube.client import Client
from ops.kube.host_reports import Reading

REPAIRED = "repaired by `fleet refresh` and `fleet up`"
# What the program does not change on a machine, and what does.
ADVICE = {
    "drop-in": "`fleet up` leaves it: remove it, run `systemctl daemon-reload` on the machine and "
    "restart the service",
    "manifest": "`fleet up` leaves it: move it to another folder, and a copy of a manifest first",
    "kubeconfig": "`fleet up` leaves it: put back the server and the files that it had, and "
    "restart the kubelet",
    "job": "`fleet logs MACHINE kubeadm-fleet-renewal` says why; it is tried again at its next run",
    "etcd": "`fleet etcd status CLUSTER`, see docs/runbooks/etcd-full.md",
    "swap": "`fleet up` leaves it: run `swapoff --all` on the machine and remove swap from its "
    "/etc/fstab",
    "clock": "`fleet up` leaves it: `timedatectl` on the machine says why",
    "disk": "`fleet up` leaves it: `du --one-file-system --max-depth 3 PATH | sort -n` on the "
    "machine says what is there",
}
FIRST = "its machine has not reported yet"
REASONS = {
    "disk": reasons.DISK,
    "clock": reasons.CLOCK,
    "etcd": reasons.ETCD,
    "job": reasons.JOB,
}


@dataclass(frozen=True)
class HostsReading:
    """What the machines of a cluster say; `certificate` is that of their leaves that expires first.

    `backup` is when the newest snapshot of etcd was taken; `aheads` as `aheads` returns it.
    `host_ahead` is this host's clock, compared with the API server's as theirs are.
    """

    conditions: tuple[Condition, ...] = ()
    certificate: Certificate | None = None
    backup: datetime | None = None
    aheads: Mapping[str, int] = field(default_factory=dict)
    host_ahead: float | None = field(default=None, compare=False)


def read(client: Client, cluster: str, seconds: float) -> HostsReading:
    """Ask the probe pods of a cluster; raise ApiError."""
    readings = host_reports.read(client, seconds)
    expiries = [
        (expires, f"{each.node}: {name}")
        for each in readings
        if each.report
        for name, expires in each.report.certificates.items()
    ]
    backups = [each.report.backup for each in readings if each.report and each.report.backup]
    first = min(expiries, default=None)
    return HostsReading(
        tuple(conditions(cluster, readings, client.clock.now())),
        Certificate(subject=first[1], expires=first[0]) if first else None,
        max(backups, default=None),
        aheads(readings),
        client.clock.host_ahead,
    )


def aheads(readings: Iterable[Reading]) -> dict[str, int]:
    """Return by how many seconds the clocks of machines are ahead of an API server's, by Node."""
    return {
        each.node: each.report.ahead
        for each in readings
        if each.report and each.is_reporting and each.report.ahead is not None
    }


def conditions(cluster: str, readings: Iterable[Reading], now: datetime) -> Iterator[Condition]:
    """Yield what readings say is wrong, or is not known, at this time of the cluster's clock."""
    for each in readings:
        if each.has_nothing and starting.is_starting(each.started, now):
            first = _condition(cluster, each.node, reasons.SILENT, FIRST, ready=Ready.UNKNOWN)
            yield starting.judged(first, each.started, now)
        elif each.unreadable:
            message = f"what its machine reports is not known: {each.unreadable}"
            yield _condition(
                cluster, each.node, reasons.UNKNOWN, message, Severity.INFO, ready=Ready.UNKNOWN
            )
        elif not each.is_reporting:
            last = each.report.time if each.report else None
            yield _condition(
                cluster,
                each.node,
                reasons.SILENT,
                "its machine does not report what differs: its timer kubeadm-fleet-drift stopped, "
                f"or fails (`journalctl -u kubeadm-fleet-drift`); a stopped one is {REPAIRED}",
                since=last,
                ready=Ready.UNKNOWN,
            )
        elif each.report:
            for found in each.report.differences:
                yield difference(cluster, each.node, found)


def difference(cluster: str, node: str, found: Difference) -> Condition:
    """Return the condition of something that is not as it was declared, with what repairs it."""
    advice = ADVICE.get(found.kind, REPAIRED).replace("MACHINE", node).replace("CLUSTER", cluster)
    reason = REASONS.get(found.kind, reasons.DRIFT)
    severity = Severity.ERROR if found.kind == "etcd" else Severity.WARNING
    return _condition(cluster, node, reason, f"{found.text}: {advice}", severity, since=found.since)


def _condition(
    cluster: str,
    node: str,
    reason: str,
    message: str,
    severity: Severity = Severity.WARNING,
    **others: Any,
) -> Condition:
    return Condition(
        cluster=cluster,
        kind="Node",
        name=node,
        severity=severity,
        reason=reason,
        message=message,
        **others,
    )
