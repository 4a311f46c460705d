"""What is known of a cluster now, from which its findings follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from model.host_digests import HostReport
from model.status.clocks import Clocks
from model.status.condition import Condition, Severity
from model.status.fleet import AddOn
from ops.kube import host_status
from ops.kube.api_services import Registration
from ops.kube.cluster_status import CONTROL_PLANE, PROBE
from ops.kube.host_reports import Reading
from ops.kube.node_status import NodeReading
from ops.kube.reachability import Probe, Report
from ops.watch import pods, sources
from ops.watch.objects import AppliedObject
from ops.watch.pods import Pod
from ops.watch.siblings import Missing

# The object of the probes, as it is called in findings.
PROBE_TITLE = f"DaemonSet kube-system/{pods.PROBE}"


@dataclass(frozen=True)
class Limits:
    """When something is reported that lies in the future or the past."""

    certificates: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Slow:
    """What is read seldom: the API server's certificate and the size of etcd's database.

    None, and 0: not known. `rights` says whether the credential has each of those beyond reading,
    as far as that was answered.
    """

    serving: tuple[datetime, datetime] | None = None
    etcd_bytes: int = 0
    rights: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Unmeasured:
    """A Node of which metrics-server measures nothing; `since` is when it last did, if known.

    `why` says how its kubelet did not answer the API server. Without that: `is_heard` says that it
    answered, `is_certain` that it was not measured for long enough.
    """

    since: datetime | None = None
    why: str = ""
    is_heard: bool = True
    is_certain: bool = True


@dataclass(frozen=True)
class View:
    """A cluster's objects and reports; `unread` are lists that are not current.

    `registrations` are the aggregated APIs, None if they cannot be read; `cut_off` are the Nodes
    whose kubelet the API server does not reach, with what it says; `unmeasured` those of which
    metrics-server measures nothing, `is_measured` says that it works; `is_ours` that this program
    has applied one of the add-ons. `objects` are those that it applied, `missing` those that are
    not there, `unread_objects` sources that are not current. `now` is the time there, which this
    host's clock is ahead of by `host_ahead` seconds (None: not known). `server_clocks` are those of
    API servers, by Node, where there are several.
    """

    cluster: str
    nodes: tuple[NodeReading, ...] = ()
    pods: tuple[Pod, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    network: dict[Probe, Report] = field(default_factory=dict)
    hosts: tuple[Reading, ...] = ()
    slow: Slow = field(default_factory=Slow)
    registrations: tuple[Registration, ...] | None = None
    unread: frozenset[str] = frozenset()
    silent_hosts: frozenset[str] = frozenset()
    silent_networks: frozenset[str] = frozenset()
    cut_off: Mapping[str, str] = field(default_factory=dict)
    unmeasured: Mapping[str, Unmeasured] = field(default_factory=dict)
    is_measured: bool = False
    is_ours: bool = False
    objects: tuple[AppliedObject, ...] = ()
    missing: tuple[Missing, ...] = ()
    unread_objects: frozenset[str] = frozenset()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    host_ahead: float | None = None
    server_clocks: Mapping[str, float] = field(default_factory=dict)

    @property
    def ready(self) -> list[str]:
        """Return the names of the Nodes that are Ready."""
        return [node.status.name for node in self.nodes if node.status.ready]

    @property
    def planes(self) -> list[str]:
        """Return the names of the control planes' Nodes."""
        return [node.status.name for node in self.nodes if CONTROL_PLANE in node.status.roles]

    @property
    def lacks_probe(self) -> bool:
        """Whether the DaemonSet of the probes is gone that this program has applied."""
        return self.is_ours and sources.ADD_ONS not in self.unread and not self.has_add_on(PROBE)

    @property
    def is_probed(self) -> bool:
        """Whether the cluster has this program's probes."""
        return any(pod.is_probe for pod in self.pods)

    def condition(self, severity: Severity, reason: str, message: str, node: str = "") -> Condition:
        """Return a condition of the cluster, or of one of its Nodes."""
        return Condition(
            cluster=self.cluster,
            kind="Node" if node else "",
            name=node,
            severity=severity,
            reason=reason,
            message=message,
        )

    def has_add_on(self, name: str) -> bool:
        """Whether an add-on is there, Ready or not."""
        return any(add_on.name == name for add_on in self.add_ons)

    def with_component(self, component: str) -> list[Pod]:
        """Return the pods of a component of the control planes."""
        return [pod for pod in self.pods if pod.component == component]

    @property
    def quota(self) -> int:
        """Return the quota of etcd's databases in bytes, the smallest; 0 if there is no etcd."""
        return min((pod.quota for pod in self.with_component("etcd")), default=0)

    @property
    def clocks(self) -> Clocks:
        """Return how far clocks are from the API server's."""
        machines = host_status.aheads(self.hosts)
        return Clocks(machines, self.planes, self.server_clocks, self.host_ahead)

    @property
    def read_machines(self) -> frozenset[str]:
        """Return the Nodes whose machines' reports can be read."""
        found = {each.node for each in self.hosts if each.report and each.is_reporting}
        return frozenset(found - self.silent_hosts)

    @property
    def unread_machines(self) -> frozenset[str]:
        """Return the Nodes whose machines should report and cannot be read."""
        if not self.is_probed:
            return frozenset()
        return frozenset(each.status.name for each in self.nodes) - self.read_machines

    @property
    def reports(self) -> Iterable[tuple[str, HostReport]]:
        """Return what machines report, by Node."""
        return [(each.node, each.report) for each in self.hosts if each.report]
