"""The metrics of `fleet watch`, from what is known of each cluster: names, labels and meanings.

Own ones begin with `kubeadm_fleet_` and have base units; those of certificates are in
certificate_metrics.py. Each series has the label `cluster`.
https://prometheus.io/docs/practices/naming/
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from prometheus_client import Metric
from prometheus_client.samples import Sample

from model import backups
from model.machine import CONTROL_PLANE, WORKER
from model.status.fleet import NodeStatus
from ops.watch.findings import COMPONENTS, ETCD_COMPONENT
from ops.watch.look import Look
from ops.watch.view import View

READY, NOT_READY = "ready", "not_ready"
# What a cluster can make a label's value be.
LONGEST = 256


Numbers: TypeAlias = Iterator[tuple[tuple[str, ...], float]]


@dataclass(frozen=True)
class Family:
    """A metric's name, type, labels besides `cluster`, and what it says."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: str = "gauge"

    def metric(self, numbers: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
        """Return the metric with a sample for each values of its labels, `cluster` first.

        Numbers with the same labels are one sample: a scrape with two of them would be refused.
        """
        made = Metric(self.name, self.help, self.type)
        sample = f"{self.name}_total" if self.type == "counter" else self.name
        names = ("cluster", *self.labels)
        found = {tuple(map(text, values)): number for values, number in numbers}
        made.samples = [
            Sample(sample, dict(zip(names, values, strict=True)), number)
            for values, number in found.items()
        ]
        return made


UP = Family("kubeadm_fleet_up", "Whether the cluster's API answers: 1, or 0.")
LAST_ANSWER = Family(
    "kubeadm_fleet_last_answer_timestamp_seconds", "When the cluster's API last answered."
)
PROBLEMS = Family(
    "kubeadm_fleet_problems",
    "Conditions that were reported and have not ended, by object (none: the cluster) and reason.",
    ("kind", "name", "reason", "severity"),
)
NODES = Family("kubeadm_fleet_nodes", "Nodes, by role and state.", ("role", "state"))
NODE_INFO = Family(
    "kubeadm_fleet_node_info",
    "1 for each Node, with its versions.",
    ("node", "role", "pool", "kubelet_version", "container_runtime", "kernel_version", "os_image"),
)
COMPONENT_PODS = Family(
    "kubeadm_fleet_component_pods",
    "Components of control planes, by state; one of each is expected on each control plane.",
    ("component", "state"),
)
ETCD_WRITABLE = Family(
    "kubeadm_fleet_etcd_writable",
    "Whether leaders renew their leases, which shows that etcd accepts writes: 1, or 0.",
)
ETCD_SIZE = Family("kubeadm_fleet_etcd_database_bytes", "Size of the largest etcd database.")
ETCD_QUOTA = Family(
    "kubeadm_fleet_etcd_quota_bytes", "Size at which etcd accepts no more writes, the smallest."
)
API_CERTIFICATE = Family(
    "kubeadm_fleet_api_certificate_expiry_timestamp_seconds",
    "When the certificate expires that the cluster's API shows.",
)
BACKUP = Family(
    "kubeadm_fleet_last_backup_timestamp_seconds", "When etcd was last saved by a control plane."
)


def text(value: str) -> str:
    """Return what can be a label's value: a cluster may send anything, also half characters."""
    return value[:LONGEST].encode(errors="replace").decode()


def metrics(looks: Iterable[Look]) -> Iterator[Metric]:
    """Yield all metrics but those of certificates."""
    every = list(looks)
    yield UP.metric(((each.cluster,), float(each.is_up)) for each in every)
    yield LAST_ANSWER.metric(
        ((each.cluster,), each.heard.timestamp()) for each in every if each.heard
    )
    yield PROBLEMS.metric(pair for each in every for pair in _problems(each))
    yield NODES.metric(pair for each in every for pair in _nodes(each.view))
    yield NODE_INFO.metric(pair for each in every for pair in _infos(each.view))
    yield COMPONENT_PODS.metric(pair for each in every for pair in _components(each.view))
    yield ETCD_WRITABLE.metric(
        ((each.cluster,), float(each.is_writable)) for each in every if each.is_up
    )
    slow = [(each.cluster, each.view.slow) for each in every]
    yield ETCD_SIZE.metric(
        ((name,), float(found.etcd_bytes)) for name, found in slow if found.etcd_bytes
    )
    yield ETCD_QUOTA.metric(
        ((each.cluster,), float(each.view.quota)) for each in every if each.view.quota
    )
    yield API_CERTIFICATE.metric(
        ((name,), found.serving[1].timestamp()) for name, found in slow if found.serving
    )
    yield BACKUP.metric(pair for each in every for pair in _backup(each.view))


def _problems(look: Look) -> Numbers:
    found = Counter(
        (each.cluster, each.kind, each.name, each.reason, each.severity.lower())
        for each in look.problems
    )
    yield from ((values, float(count)) for values, count in found.items())


def _nodes(view: View) -> Numbers:
    if not view.nodes:
        return  # They were not read yet.
    found = Counter(
        (_role(each.status), READY if each.status.ready else NOT_READY) for each in view.nodes
    )
    for role in (CONTROL_PLANE, WORKER):
        for state in (READY, NOT_READY):
            yield (view.cluster, role, state), float(found[(role, state)])


def _infos(view: View) -> Numbers:
    for each in view.nodes:
        status = each.status
        versions = (status.version, status.runtime, status.kernel, status.os)
        yield (view.cluster, status.name, _role(status), status.pool, *versions), 1.0


def _role(node: NodeStatus) -> str:
    return CONTROL_PLANE if CONTROL_PLANE in node.roles else WORKER


def _components(view: View) -> Numbers:
    planes = set(view.planes)
    for component in (*COMPONENTS, ETCD_COMPONENT):
        pods = view.with_component(component)
        if not pods:
            continue  # Somebody else runs it.
        ready = len({pod.node for pod in pods if pod.ready})
        expected = len({pod.node for pod in pods} | planes)
        yield (view.cluster, component, READY), float(ready)
        yield (view.cluster, component, NOT_READY), float(expected - ready)


def _backup(view: View) -> Numbers:
    now = datetime.now(UTC)
    taken = [
        report.backup
        for _, report in view.reports
        if report.backup and not backups.is_of_future(report.backup, now)
    ]
    if taken:
        yield (view.cluster,), max(taken).timestamp()
