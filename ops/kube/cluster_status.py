"""What `fleet status` reads of one cluster: each request of it is small, or is reduced by page."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from model.api_objects import Json
from model.render import metrics_server
from model.status import starting
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import AddOn, Certificate, ClusterStatus, Count, Etcd
from model.well_known import CONTROL_PLANE_LABEL, ROLE_DOMAIN
from ops.errors import OperatorError
from ops.kube import (
    api_services,
    components,
    etcd_space,
    node_status,
    serving_certificate,
    webhooks,
)
from ops.kube.apply import FIELD_MANAGER
from ops.kube.client import Client
from ops.kube.cluster_health import pod_failures
from ops.kube.errors import ApiError
from ops.kube.node_status import NodeReading

NO_NODES = "no nodes"
CERTIFICATES = "docs/runbooks/certificates.md"
API_SERVER, API_UNAVAILABLE = "kube-apiserver", "docs/runbooks/api-unavailable.md"
CONTROL_PLANE = CONTROL_PLANE_LABEL.removeprefix(f"{ROLE_DOMAIN}/")
# Namespaces and kinds of the add-ons, and what they are called in tables.
APPS = (
    "/apis/apps/v1/namespaces/kube-system/daemonsets",
    "/apis/apps/v1/namespaces/kube-system/deployments",
    "/apis/apps/v1/namespaces/kube-flannel/daemonsets",
    "/apis/apps/v1/namespaces/calico-system/daemonsets",
)
PROBE = "probe"
ADD_ONS = {"coredns": "CoreDNS", "kube-proxy": "kube-proxy", "flannel": "flannel",
           "kube-flannel-ds": "flannel", "calico-node": "Calico",
           "kubeadm-fleet-probe": PROBE, metrics_server.NAME: metrics_server.NAME}  # fmt: skip
# A certificate that has less than this share of its lifetime left should have been renewed.
DUE_SHARE = 0.1
# Of the time for a cluster, so much is for logs of probes: kubelets that hang hide nothing else.
PROBES_SHARE = 0.6


@dataclass(frozen=True)
class EtcdReading:
    """What etcd's members said, and what is wrong; without `etcd`, `reason` says why."""

    etcd: Etcd | None
    conditions: tuple[Condition, ...] = ()
    reason: str = ""


def read(client: Client, cluster: str, seconds: float, *, is_ours: bool = True) -> ClusterStatus:
    """Read everything but etcd; raise ApiError if the API does not say which Nodes there are.

    `is_ours`: made by this program, so that lacking add-ons and probes are a failure.
    """
    version = str(client.get("/version").get("gitVersion", ""))
    nodes = client.reduced(
        "/api/v1/nodes", lambda node: node_status.read(cluster, node, FIELD_MANAGER)
    )
    failures: list[Condition] = []
    add_ons = list(_add_ons(client, cluster, failures))
    network = _network(
        *(client, cluster, nodes, failures, seconds * PROBES_SHARE),
        is_probed=_is_probed(add_ons, is_ours),
    )
    metrics = api_services.read(client, cluster)
    failures.extend(metrics.conditions)
    failures.extend(_webhooks(client, cluster))
    shown = (_certificate(client, cluster, seconds, failures), metrics.certificate)
    changes = [node.changed for node in nodes] + [changed for _, changed in add_ons]
    if not nodes:
        failures.append(_condition(cluster, Severity.ERROR, "NoNodes", NO_NODES))
    planes = [node.status for node in nodes if CONTROL_PLANE in node.status.roles]
    return ClusterStatus(
        name=cluster,
        server=client.access.server,
        reachable=True,
        as_of=datetime.now(UTC),
        version=version,
        kubelet_versions=sorted({node.status.version for node in nodes if node.status.version}),
        nodes_ready=Count(ready=sum(node.status.ready for node in nodes), total=len(nodes)),
        control_planes=Count(ready=sum(plane.ready for plane in planes), total=len(planes)),
        add_ons=[add_on for add_on, _ in add_ons],
        network=network,
        certificate=min(filter(None, shown), key=lambda its: its.expires, default=None),
        last_change=max(filter(None, changes), default=None),
        nodes=[node.status for node in nodes],
        conditions=[*(each for node in nodes for each in node.conditions), *failures],
    )


def read_etcd(client: Client, cluster: str) -> EtcdReading:
    """Ask etcd's members, through one of their pods."""
    try:
        found = etcd_space.read_databases(client)
    except OperatorError as error:
        return EtcdReading(None, reason=str(error))
    alarms = etcd_space.alarms(found)
    return EtcdReading(
        Etcd(
            members=len(found),
            leader=next((database.address for database in found if database.leader), ""),
            size_bytes=max((database.size for database in found), default=0),
            quota_bytes=max((database.quota for database in found), default=0),
            alarms=sorted({alarm for database in found for alarm in database.alarms}),
        ),
        (
            *(_condition(cluster, Severity.ERROR, "EtcdAlarm", line) for line in alarms),
            *(
                _condition(cluster, Severity.WARNING, "EtcdSpace", line)
                for line in etcd_space.warnings(found)
            ),
        ),
    )


def _is_probed(add_ons: Sequence[tuple[AddOn, Any]], is_ours: bool) -> bool:
    return is_ours or any(add_on.name == PROBE for add_on, _ in add_ons)


def _add_ons(
    client: Client, cluster: str, failures: list[Condition]
) -> Iterator[tuple[AddOn, datetime | None]]:
    """Yield the add-ons, each with the time when this program last wrote it."""
    try:
        found = [pair for path in APPS for pair in client.reduced(path, read_add_on) if pair]
    except ApiError as error:
        message = f"the state of its add-ons cannot be read: {error}"
        failures.append(
            _condition(cluster, Severity.WARNING, "AddOnsUnknown", message, Ready.UNKNOWN)
        )
        return
    for add_on, changed in found:
        yield add_on, changed
        if not add_on.is_ready:
            message = f"{add_on.ready} of {add_on.desired} pods are Ready"
            condition = Condition(
                cluster=cluster,
                kind="add-on",
                name=add_on.name,
                severity=Severity.WARNING,
                reason="AddOnNotReady",
                message=message,
            )
            failures.append(starting.judged(condition, add_on.created, client.clock.now()))


def read_add_on(workload: Json) -> tuple[AddOn, datetime | None] | None:
    """Reduce a workload to an add-on, with when this program last wrote it; None for others."""
    metadata, status = workload["metadata"], workload.get("status") or {}
    name = ADD_ONS.get(metadata["name"])
    if name is None:
        return None
    if "desiredNumberScheduled" in status:
        ready, desired = status.get("numberReady", 0), status["desiredNumberScheduled"]
    else:
        ready, desired = status.get("readyReplicas", 0), workload["spec"].get("replicas", 1)
    image = workload["spec"]["template"]["spec"]["containers"][0].get("image", "")
    version = image.partition("@")[0].rpartition("/")[2].rpartition(":")[2]
    return (
        AddOn(
            name=name,
            ready=ready,
            desired=desired,
            version=version,
            created=metadata.get("creationTimestamp"),
        ),
        node_status.last_written(metadata, FIELD_MANAGER),
    )


def _network(
    client: Client,
    cluster: str,
    nodes: Iterable[NodeReading],
    failures: list[Condition],
    seconds: float,
    *,
    is_probed: bool,
) -> Ready:
    """Add what fails for pods; return whether the network works, as far as probes say."""
    ready = [node.status.name for node in nodes if node.status.ready]
    try:
        found = list(pod_failures(client, ready, seconds, has_probes=is_probed))
        failures.extend(_components(client, cluster, ready))
    except ApiError as error:
        message = f"the state of its pods cannot be read: {error}"
        failures.append(
            _condition(cluster, Severity.WARNING, "PodsUnknown", message, Ready.UNKNOWN)
        )
        return Ready.UNKNOWN
    failures.extend(
        _condition(
            cluster, Severity.ERROR, failure.reason, failure.text, since=failure.since or None
        )
        for failure in found
    )
    if not is_probed or not ready:
        return Ready.UNKNOWN
    fails = any(failure.reason == "PodsUnreachable" for failure in found)
    return Ready.FALSE if fails else Ready.TRUE


def _components(client: Client, cluster: str, ready: Collection[str]) -> Iterator[Condition]:
    """Yield components of control planes that are not Ready, on Nodes that are."""
    for found in components.unready(client, ready):
        says = f"`fleet logs {cluster}/{found.name}` says why"
        if found.name == API_SERVER:
            says = (
                f"`fleet ssh {found.node} -- curl -sk https://127.0.0.1:6443/readyz` says which "
                f"check fails: see {API_UNAVAILABLE}"
            )
        yield Condition(
            cluster=cluster,
            kind="Node",
            name=found.node,
            severity=Severity.WARNING,
            reason="ComponentNotReady",
            message=f"{found.name} is not Ready: {says}",
            since=found.since,
        )


def _webhooks(client: Client, cluster: str) -> Iterator[Condition]:
    """Yield webhooks that refuse pods, because nothing answers for them."""
    for name, service in webhooks.unanswered(client, webhooks.read(client)).items():
        message = (
            f"the webhook {name} refuses the pods that it judges: its Service {service} has no "
            "backend that is ready"
        )
        yield _condition(cluster, Severity.WARNING, "WebhookUnavailable", message)


def _certificate(
    client: Client, cluster: str, seconds: float, failures: list[Condition]
) -> Certificate | None:
    valid = serving_certificate.validity(client.access, seconds)
    if valid is None:
        return None
    begin, end = valid
    if end - datetime.now(UTC) < (end - begin) * DUE_SHARE:
        message = f"the API server's certificate expires at {end:%Y-%m-%d %H:%M} UTC and was not "
        failures.append(
            _condition(
                cluster,
                Severity.WARNING,
                "CertificateExpires",
                f"{message}renewed: see {CERTIFICATES}",
            )
        )
    return Certificate(subject="API server", expires=end)


def _condition(
    cluster: str,
    severity: Severity,
    reason: str,
    message: str,
    ready: Ready = Ready.FALSE,
    since: str | None = None,
) -> Condition:
    values: dict[str, Any] = {"since": since}
    return Condition(
        cluster=cluster, severity=severity, reason=reason, message=message, ready=ready, **values
    )
