"""A cluster's health: its Nodes, its DNS, and connectivity between pods on all Nodes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, cast

from model.api_objects import Json
from model.well_known import CONTROL_PLANE_LABEL, POOL_LABEL
from ops.errors import OperatorError
from ops.kube import api_services, etcd_space, reachability
from ops.kube.client import PROBE_RETRIES, Client, poll_seconds
from ops.kube.conditions import condition, is_ready, message
from ops.kube.errors import ApiError
from ops.wait import NotYet, wait_until

POLL_SECONDS = 0.5
SYSTEM_PODS = "/api/v1/namespaces/kube-system/pods"
DNS_SELECTOR = "k8s-app=kube-dns"
PROBE_SELECTOR = "app.kubernetes.io/name=kubeadm-fleet-probe"


class NodeSummary(TypedDict):
    """One Node."""

    name: str
    role: str
    pool: str
    version: str
    address: str
    ready: bool


class ClusterHealth(TypedDict):
    """A cluster's Nodes, what it lacks to be ready, and what may stop it later, one line each."""

    nodes: list[NodeSummary]
    missing: list[str]
    warnings: NotRequired[list[str]]


def await_ready(
    client: Client, cluster: str, nodes: Sequence[str], deadline_seconds: float
) -> ClusterHealth:
    """Wait until nothing is missing and return the result of `check`. Raises OperatorError."""

    def ready() -> ClusterHealth:
        observed = _check(client, nodes)
        if not observed["missing"]:
            observed = _with_warnings(client, observed)
        if observed["missing"]:
            raise NotYet("\n  ".join(observed["missing"]))
        return observed

    def late(missing: str) -> OperatorError:
        # An alarm of etcd may be the cause of the rest.
        causes = etcd_space.alarms(etcd_space.databases(client))
        lines = "\n  ".join([*(cause for cause in causes if cause not in missing), missing])
        return OperatorError(
            f"cluster {cluster} did not become ready within {deadline_seconds:.0f} s:\n"
            f"  {lines}\nFix the problems above and run `fleet up` again."
        )

    return wait_until(
        ready,
        deadline_seconds,
        late,
        poll_seconds=poll_seconds(len(nodes), POLL_SECONDS),
        stops=f"cluster {cluster} was not waited for until it is ready",
    )


def check(client: Client, nodes: Sequence[str]) -> ClusterHealth:
    """Check once the cluster that should have these Nodes."""
    client = client.limited(retries=PROBE_RETRIES)
    observed = _check(client, nodes)
    if not observed["nodes"]:
        return observed
    observed = _with_warnings(client, observed)
    if unknown := [*_unknown_nodes(client, nodes, observed["nodes"])]:
        observed["warnings"] = [*observed.get("warnings", ()), *unknown]
    return observed


@dataclass(frozen=True)
class PodFailure:
    """What fails for pods: a word for programs, a line for people, and since when ("": unknown)."""

    reason: str
    text: str
    since: str = ""


def pod_failures(
    client: Client, ready: Sequence[str], seconds: float, *, has_probes: bool = True
) -> Iterator[PodFailure]:
    """Yield what fails now for pods on the Nodes that are Ready; raise ApiError.

    `seconds` are for the logs of probes, some of which may hang with their kubelets. Without
    `has_probes`, only what needs no probe pods, which other programs' clusters lack.
    """
    dns = client.reduced(SYSTEM_PODS, _kept, labelSelector=DNS_SELECTOR)
    probes = client.reduced(SYSTEM_PODS, _kept, labelSelector=PROBE_SELECTOR) if has_probes else []
    for line in _missing_dns(dns):
        yield PodFailure("DNSNotReady", line)
    if not has_probes:
        return
    for line in _missing_probes(ready, probes):
        yield PodFailure("ProbeNotReady", line)
    running = list(_ready_probes(ready, ready, probes))
    for failure in reachability.failures(client, running, seconds):
        yield PodFailure("PodsUnreachable", failure.text, failure.since)


def _with_warnings(client: Client, observed: ClusterHealth) -> ClusterHealth:
    """Add what etcd's databases lack in space, and warnings, for which nothing waits."""
    found = etcd_space.databases(client)
    health = {**observed, "missing": [*etcd_space.alarms(found), *observed["missing"]]}
    if warnings := [*etcd_space.warnings(found), *api_services.warnings(client)]:
        health["warnings"] = warnings
    return cast(ClusterHealth, health)


def _check(client: Client, expected: Sequence[str]) -> ClusterHealth:
    try:
        nodes = list(client.pages("/api/v1/nodes"))
        dns = list(client.pages(SYSTEM_PODS, labelSelector=DNS_SELECTOR))
        probes = list(client.pages(SYSTEM_PODS, labelSelector=PROBE_SELECTOR))
    except ApiError as error:
        reason = client.explain("reading the cluster", error)
        return {"nodes": [], "missing": [str(reason)]}
    missing = [
        *_missing_nodes(expected, nodes),
        *_missing_dns(dns),
        *_missing_probes(expected, probes),
        *reachability.missing(client, list(_ready_probes(expected, _ready(nodes), probes))),
    ]
    return {"nodes": [_summary(node) for node in nodes], "missing": missing}


def _missing_nodes(expected: Sequence[str], nodes: list[Json]) -> Iterator[str]:
    found = {_name(node): node for node in nodes}
    for name in expected:
        if name not in found:
            yield f"Node {name}: not registered; see `journalctl -u kubelet` on the machine"
        elif not is_ready(found[name]):
            yield f"Node {name}: not Ready: {message(found[name], 'Ready')}"


def _unknown_nodes(
    client: Client, expected: Sequence[str], nodes: Sequence[NodeSummary]
) -> Iterator[str]:
    """Yield Nodes that no machine of the cluster has.

    A client certificate cannot be revoked: the kubelet of a machine that was declared lost
    registers its Node again when it comes back. During an `up`, machines that leave have Nodes.
    """
    for name in (node["name"] for node in nodes if node["name"] not in expected):
        yield (
            f"Node {name}: not in the config. Its machine was declared lost and came back, or "
            "somebody else joined it: it can run pods and read their Secrets. Switch its machine "
            "off or reinstall it, then delete the Node: "
            f"`kubectl --context {client.access.context} delete node {name}`"
        )


def _missing_dns(pods: list[Json]) -> Iterator[str]:
    if not any(is_ready(pod) for pod in pods):
        states = "; ".join(_pod_state(pod) for pod in pods) or "no pod exists"
        yield f"CoreDNS: no pod is Ready: {states}"


def _missing_probes(expected: Sequence[str], pods: list[Json]) -> Iterator[str]:
    by_node = _by_node(pods)
    for name in expected:
        if name not in by_node:
            yield f"probe pod on {name}: not scheduled"
        elif not is_ready(by_node[name]):
            yield f"probe pod on {name}: has not reached a Service: {_pod_state(by_node[name])}"


def _ready_probes(
    expected: Sequence[str], ready: Collection[str], probes: list[Json]
) -> Iterator[reachability.Probe]:
    """Yield the probes to compare: Nodes or probes that are not Ready are already reported."""
    by_node = _by_node(probes)
    for name in expected:
        pod = by_node.get(name)
        if pod and name in ready and is_ready(pod):
            yield reachability.Probe(name, _name(pod), pod["status"].get("podIP", ""))


def _ready(nodes: list[Json]) -> set[str]:
    return {_name(node) for node in nodes if is_ready(node)}


def _by_node(pods: list[Json]) -> dict[str, Json]:
    """Return the pods by Node, without terminating ones: their successors count."""
    return {
        pod["spec"].get("nodeName"): pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def _kept(pod: Json) -> Json:
    """Return what is read of a pod: of one that is Ready, little."""
    metadata, status = pod["metadata"], pod["status"]
    if is_ready(pod):
        conditions = [each for each in status["conditions"] if each["type"] == "Ready"]
        status = {"conditions": conditions, "podIP": status.get("podIP", "")}
    names = metadata.keys() & {"name", "deletionTimestamp"}
    return {
        "metadata": {key: metadata[key] for key in names},
        "spec": {"nodeName": pod["spec"].get("nodeName")},
        "status": status,
    }


def _name(thing: Json) -> str:
    return str(thing["metadata"]["name"])


def _pod_state(pod: Json) -> str:
    status = pod["status"]
    waiting = [
        f"{container['name']} {state.get('reason', '')} {state.get('message', '')}".strip()
        for container in (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        )
        if (state := container["state"].get("waiting"))
    ]
    is_scheduled = condition(pod, "PodScheduled").get("status") == "True"
    detail = ", ".join(waiting) or message(pod, "Ready" if is_scheduled else "PodScheduled")
    return f"{_name(pod)} on {pod['spec'].get('nodeName')}: {status['phase']} ({detail})"


def _summary(node: Json) -> NodeSummary:
    """Summarize a Node; one whose kubelet has not reported yet has neither addresses nor labels."""
    status = node["status"]
    addresses = [
        found["address"] for found in status.get("addresses", ()) if found["type"] == "InternalIP"
    ]
    labels = node["metadata"].get("labels", {})
    role = "control-plane" if CONTROL_PLANE_LABEL in labels else "worker"
    return {
        "name": _name(node),
        "role": role,
        "pool": labels.get(POOL_LABEL, ""),
        "version": status.get("nodeInfo", {}).get("kubeletVersion", ""),
        "address": addresses[0] if addresses else "",
        "ready": is_ready(node),
    }
