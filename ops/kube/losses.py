"""The effects of drains on pods, determined before they begin: deleted permanently, or left alone.

A pod without a controller is not recreated, and the data in an emptyDir volume ends with its pod.
`kubectl drain` demands consent to either; a rollout shows them in its preview instead. Pods that
stay on their Node, since no other can take them, lose nothing; from a Node that leaves, or whose
pods are all replaced, all go. They are named as well: they run on while their machine is changed,
or are deleted, too.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from model.api_objects import Json
from ops.kube import placement, pod, volumes, webhooks
from ops.kube.client import Client
from ops.kube.errors import ApiError

READ_SECONDS = 5
PARALLEL_READS = 16


def of_drains(client: Client, leaving: Mapping[str, bool]) -> dict[str, str]:
    """Describe what the drain of each Node deletes permanently; Nodes without any are omitted.

    `leaving` says for each Node that is drained whether no pod stays there, since it leaves or all
    are replaced. An API that does not answer costs one time-out.
    """
    quick = client.limited(retries=0, seconds=READ_SECONDS)
    try:
        nodes = list(quick.pages("/api/v1/nodes")) if leaving else []
        present = [name for name in leaving if any(name == _name(node) for node in nodes)]
        with ThreadPoolExecutor(max_workers=PARALLEL_READS) as pool:
            found = dict(
                zip(present, pool.map(lambda name: _read(quick, name), present), strict=True)
            )
    except ApiError as error:
        return dict.fromkeys(leaving, f"what its drain deletes is unknown: {error}")
    judging = webhooks.read(quick) if found else []
    sentences = {
        name: _sentence(pods, _stranded(quick, name, pods, nodes, judging), leaves=leaving[name])
        for name, pods in found.items()
    }
    return {name: sentence for name, sentence in sentences.items() if sentence}


def _read(client: Client, node: str) -> list[Json]:
    """Return the Node's pods that a drain concerns."""
    pods = client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    return [
        found
        for found in pods
        if not (pod.belongs_to_node(found) or pod.has_finished(found) or pod.is_terminating(found))
    ]


def _stranded(
    client: Client, node: str, pods: list[Json], nodes: Iterable[Json], judging: list[Json]
) -> set[str]:
    """Return the UIDs of the pods that a drain does not evict, as in drain.py."""
    others = [other for other in nodes if _name(other) != node]
    placed = {pod.uid(found): found for found in volumes.with_affinity(client, pods)}
    return {*placement.unplaceable(placed, others), *webhooks.sole_backends(client, judging, pods)}


def _sentence(pods: list[Json], stranded: set[str], *, leaves: bool) -> str:
    alone = [found for found in pods if pod.uid(found) in stranded]
    going = pods if leaves else [found for found in pods if pod.uid(found) not in stranded]
    bare = [found for found in going if pod.is_bare(found)]
    data = [found for found in going if pod.has_scratch_data(found)]
    end = "deleted as well" if leaves else "stay and keep running"
    return "; ".join(
        f"{what} ({len(named)}): {pod.titles(named)}"
        for what, named in (
            ("pods without a controller deleted permanently", bare),
            ("emptyDir data deleted with its pods", data),
            (f"pods that no other Node can take {end}", alone),
        )
        if named
    )


def _name(node: Json) -> str:
    return str(node["metadata"]["name"])
