"""What `fleet capacity` reads of one cluster, reduced page by page."""

import json
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from model.api_objects import Json, Object
from model.capacity import pod_resources
from model.capacity.reading import NodeReading, PodReading, Usage
from model.capacity.resources import PODS, Amounts, amounts, total
from model.status import starting
from model.well_known import CONTROL_PLANE_LABEL, POOL_LABELS, ZONE_LABEL
from ops.kube import api_services
from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.errors import ApiError
from ops.kube.pod import belongs_to_node

METRICS = "/apis/metrics.k8s.io/v1beta1"
CONTROL_PLANE = "control-plane"
# A pod that has ended needs nothing.
RUNNING = "status.phase!=Succeeded,status.phase!=Failed"
STARTS = f"metrics-server is starting, {starting.ADVICE}"
# What API servers answer for an API whose pod is not there yet.
NOT_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
NOT_SERVED = "metrics.k8s.io is not served: the cluster has no metrics-server"
# The label with the part of a ReplicaSet's name that its Deployment's name lacks.
HASH_LABEL = "pod-template-hash"
# Pods of a workload are alike: they share what was read of the first.
DISTINCT = 16384


def read_nodes(client: Client) -> list[NodeReading]:
    """Return the Nodes; raise ApiError."""
    return client.reduced("/api/v1/nodes", node)


def read_pods(client: Client) -> list[PodReading]:
    """Return the pods that have not ended; raise ApiError."""
    return client.reduced("/api/v1/pods", pod, fieldSelector=RUNNING)


def read_usage(client: Client) -> Usage:
    """Return what is used; if that is not known, why."""
    try:
        nodes = client.reduced(f"{METRICS}/nodes", _node_usage)
        pods = client.reduced(f"{METRICS}/pods", _pod_usage)
    except ApiError as error:
        if error.status in NOT_THERE and api_services.is_starting(client):
            return Usage(reason=STARTS, is_starting=True)
        if error.status == HTTPStatus.NOT_FOUND:
            return Usage(reason=NOT_SERVED)
        return Usage(reason=f"metrics.k8s.io: {error}")
    return Usage(nodes=dict(nodes), pods=dict(pods))


def node(found: Json) -> NodeReading:
    """Reduce a Node."""
    metadata, spec = found["metadata"], found.get("spec") or {}
    labels = metadata.get("labels") or {}
    is_control_plane = CONTROL_PLANE_LABEL in labels
    pool = next((labels[label] for label in POOL_LABELS if labels.get(label)), "")
    return NodeReading(
        name=metadata["name"],
        pool=pool or (CONTROL_PLANE if is_control_plane else ""),
        zone=labels.get(ZONE_LABEL, ""),
        allocatable=amounts(found["status"].get("allocatable") or {}),
        labels=labels,
        taints=tuple(spec.get("taints") or ()),
        is_ready=is_ready(found),
        is_cordoned=bool(spec.get("unschedulable")),
        is_control_plane=is_control_plane,
    )


def pod(found: Json) -> PodReading:
    """Reduce a pod."""
    metadata, spec = found["metadata"], found["spec"]
    read = _resources(
        json.dumps(
            [
                _only(spec, "resources", "overhead"),
                [_container(each) for each in spec.get("containers") or ()],
                [_container(each) for each in spec.get("initContainers") or ()],
            ]
        )
    )
    return PodReading(
        namespace=metadata["namespace"],
        name=metadata["name"],
        node=spec.get("nodeName") or "",
        workload=_workload(metadata),
        requests=read[0],
        limits=read[1],
        without=read[2],
        fixed=belongs_to_node(found),
        rules=_rules(json.dumps(_rules_of(spec), sort_keys=True)),
    )


@lru_cache(maxsize=DISTINCT)
def _resources(text: str) -> tuple[Amounts, Amounts, tuple[str, ...]]:
    of_pod, containers, init_containers = json.loads(text)
    spec = {**of_pod, "containers": containers, "initContainers": init_containers}
    return (
        pod_resources.requests(spec) | {PODS: 1},
        pod_resources.limits(spec),
        pod_resources.without_requests(spec),
    )


@lru_cache(maxsize=DISTINCT)
def _rules(text: str) -> dict[str, Any]:
    rules: dict[str, Any] = json.loads(text)
    return rules


def _container(container: Object) -> dict[str, Any]:
    resources = container.get("resources") or {}
    kept = _only(resources, "requests", "limits")
    return {"resources": kept, **_only(container, "restartPolicy")}


def _rules_of(spec: Object) -> dict[str, Any]:
    affinity = _only(spec.get("affinity") or {}, "nodeAffinity")
    kept = _only(spec, "nodeSelector", "tolerations")
    return {**kept, "affinity": affinity} if affinity else kept


def _only(thing: Object, *names: str) -> dict[str, Any]:
    return {name: thing[name] for name in names if thing.get(name)}


def _workload(metadata: Object) -> str:
    """Return the controller of a pod as Kind/name; the Deployment instead of its ReplicaSet."""
    owners = metadata.get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None or owner["kind"] == "Node":
        return f"Pod/{metadata['name']}"
    kind, name = owner["kind"], owner["name"]
    suffix = "-" + str((metadata.get("labels") or {}).get(HASH_LABEL))
    if kind == "ReplicaSet" and name.endswith(suffix):
        return f"Deployment/{name.removesuffix(suffix)}"
    return f"{kind}/{name}"


def _node_usage(found: Json) -> tuple[str, Amounts]:
    return found["metadata"]["name"], amounts(found["usage"])


def _pod_usage(found: Json) -> tuple[tuple[str, str], Amounts]:
    metadata = found["metadata"]
    used = total(amounts(each["usage"]) for each in found.get("containers") or ())
    return (metadata["namespace"], metadata["name"]), used
