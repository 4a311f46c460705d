"""Nodes, pods and clusters as they are read, with few words."""

from typing import Any

from model.capacity.reading import ClusterReading, NodeReading, PodReading, Usage

GIB = 1 << 30
CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def node(name: str, cpu: int = 1000, memory: int = 4, pods: int = 110, **more: Any) -> NodeReading:
    """A Node with this CPU (millicores) and memory (GiB)."""
    values: dict[str, Any] = {"pool": "workers", "zone": "", "taints": ()}
    labels = {"kubernetes.io/hostname": name, **more.pop("labels", {})}
    others = more.pop("others", {})
    allocatable = {"cpu": cpu, "memory": memory * GIB, "pods": pods, **others}
    return NodeReading(name=name, allocatable=allocatable, labels=labels, **{**values, **more})


def pod(
    name: str, on: str, cpu: int = 0, memory: int = 0, others: Any = None, **more: Any
) -> PodReading:
    """A pod on a Node with these requests; memory in GiB."""
    values: dict[str, Any] = {"workload": f"Pod/{name}", "limits": {}}
    requests = {"cpu": cpu, "memory": memory * GIB, "pods": 1, **(others or {})}
    return PodReading(
        namespace="default", name=name, node=on, requests=requests, **{**values, **more}
    )


def cluster(
    nodes: list[NodeReading], pods: list[PodReading], usage: Usage | None = None
) -> ClusterReading:
    """A cluster that has answered."""
    return ClusterReading("tokyo", {}, nodes, pods, usage or Usage(reason="not served"))
