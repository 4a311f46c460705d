"""Whether a cluster works: its Nodes, its DNS, and that pods on all Nodes reach each other."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ops.errors import OperatorError
from ops.kube import api, reachability

Object = dict[str, Any]

POLL_SECONDS = 0.5
SYSTEM = "kube-system"
DNS_SELECTOR = "k8s-app=kube-dns"
PROBE_SELECTOR = "app.kubernetes.io/name=kubeadm-fleet-probe"
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"


def await_ready(
    kubeconfig: str, cluster: str, nodes: Sequence[str], deadline_seconds: float
) -> dict[str, Any]:
    """Wait until nothing is missing and return what `check` does. Raises OperatorError."""
    deadline = time.monotonic() + deadline_seconds
    client = api.client(kubeconfig)
    while (observed := _check(client, kubeconfig, nodes))["missing"]:
        if time.monotonic() > deadline:
            missing = "\n  ".join(observed["missing"])
            raise OperatorError(
                f"cluster {cluster} did not become ready within {deadline_seconds:.0f} s:\n"
                f"  {missing}\nFix the problems above and run `pulumi up` again."
            )
        time.sleep(POLL_SECONDS)
    return observed


def check(kubeconfig: str, nodes: Sequence[str]) -> dict[str, Any]:
    """Look once at the cluster that should have these Nodes.

    Returns `nodes` (name, role, version, address, ready) and `missing` (one line each).
    """
    return _check(api.client(kubeconfig, retries=api.PROBE_RETRIES), kubeconfig, nodes)


def _check(client: Any, kubeconfig: str, expected: Sequence[str]) -> dict[str, Any]:
    api.load()
    from kubernetes.client import CoreV1Api

    # Parsed as plain JSON: the client's own objects cost more than everything else of a look.
    core = CoreV1Api(client)
    plain: dict[str, Any] = {"_preload_content": False}
    try:
        nodes = _items(core.list_node(**plain))
        dns = _items(core.list_namespaced_pod(SYSTEM, label_selector=DNS_SELECTOR, **plain))
        probes = _items(core.list_namespaced_pod(SYSTEM, label_selector=PROBE_SELECTOR, **plain))
    except Exception as error:
        reason = api.explain(error, "reading the cluster", kubeconfig)
        return {"nodes": [], "missing": [str(reason)]}
    missing = [
        *_missing_nodes(expected, nodes),
        *_missing_dns(dns),
        *_missing_probes(expected, probes),
        *reachability.missing(core, list(_ready_probes(expected, nodes, probes))),
    ]
    return {"nodes": [_summary(node) for node in nodes], "missing": missing}


def _items(answer: Any) -> list[Object]:
    items: list[Object] = json.loads(answer.data)["items"]
    return items


def _missing_nodes(expected: Sequence[str], nodes: list[Object]) -> Iterator[str]:
    found = {_name(node): node for node in nodes}
    for name in expected:
        if name not in found:
            yield f"Node {name}: not registered; see `journalctl -u kubelet` on the machine"
        elif not _is_true(found[name], "Ready"):
            yield f"Node {name}: not Ready: {_message(found[name], 'Ready')}"


def _missing_dns(pods: list[Object]) -> Iterator[str]:
    if not any(_is_true(pod, "Ready") for pod in pods):
        states = "; ".join(_pod_state(pod) for pod in pods) or "no pod exists"
        yield f"CoreDNS: no pod is Ready: {states}"


def _missing_probes(expected: Sequence[str], pods: list[Object]) -> Iterator[str]:
    by_node = _by_node(pods)
    for name in expected:
        if name not in by_node:
            yield f"probe pod on {name}: not scheduled"
        elif not _is_true(by_node[name], "Ready"):
            yield f"probe pod on {name}: has not reached a service: {_pod_state(by_node[name])}"


def _ready_probes(
    expected: Sequence[str], nodes: list[Object], pods: list[Object]
) -> Iterator[reachability.Probe]:
    """Whose pods can be asked for: of a Node or a probe that is not Ready it is said already."""
    by_node = _by_node(pods)
    ready = {_name(node) for node in nodes if _is_true(node, "Ready")}
    for name in expected:
        pod = by_node.get(name)
        if pod and name in ready and _is_true(pod, "Ready"):
            yield reachability.Probe(name, _name(pod), pod["status"].get("podIP", ""))


def _by_node(pods: list[Object]) -> dict[str, Object]:
    """Return the pods by Node, but for those that end: their successors count."""
    return {
        pod["spec"].get("nodeName"): pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def _name(thing: Object) -> str:
    return str(thing["metadata"]["name"])


def _condition(thing: Object, kind: str) -> Object:
    conditions = thing["status"].get("conditions", ())
    return next((each for each in conditions if each["type"] == kind), {})


def _is_true(thing: Object, kind: str) -> bool:
    return bool(_condition(thing, kind).get("status") == "True")


def _message(thing: Object, kind: str) -> str:
    found = _condition(thing, kind)
    return found.get("message") or found.get("reason") or "no status was reported"


def _pod_state(pod: Object) -> str:
    status = pod["status"]
    waiting = [
        f"{each['name']} {state.get('reason', '')} {state.get('message', '')}".strip()
        for each in (
            *status.get("initContainerStatuses", ()),
            *status.get("containerStatuses", ()),
        )
        if (state := each["state"].get("waiting"))
    ]
    detail = ", ".join(waiting) or _message(pod, "PodScheduled")
    return f"{_name(pod)} on {pod['spec'].get('nodeName')}: {status['phase']} ({detail})"


def _summary(node: Object) -> Object:
    addresses = [
        each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"
    ]
    role = "control-plane" if CONTROL_PLANE_LABEL in node["metadata"]["labels"] else "worker"
    return {
        "name": _name(node),
        "role": role,
        "version": node["status"]["nodeInfo"]["kubeletVersion"],
        "address": addresses[0] if addresses else "",
        "ready": _is_true(node, "Ready"),
    }
