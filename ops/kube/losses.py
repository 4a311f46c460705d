"""What drains are about to delete for good, read before they begin.

A pod without a controller is not recreated, and the data in an emptyDir volume ends with its pod.
`kubectl drain` demands consent to either; a rollout shows them in its preview instead. Pods that
stay on their Node, since no other can take them, lose nothing; from a Node that leaves, all go.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ops.kube import placement, pod
from ops.kube.client import Client, Json
from ops.kube.errors import ApiError

READ_SECONDS = 5
AT_ONCE = 16


def of_drains(client: Client, leaving: Mapping[str, bool]) -> dict[str, str]:
    """Describe what the drain of each Node deletes for good; Nodes without any are left out.

    `leaving` says for each Node that is drained whether it also leaves. An API that does not answer
    costs one time-out.
    """
    quick = client.limited(retries=0, seconds=READ_SECONDS)
    try:
        nodes = list(quick.pages("/api/v1/nodes")) if leaving else []
        present = [name for name in leaving if any(name == _name(node) for node in nodes)]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = dict(
                zip(present, pool.map(lambda name: _read(quick, name), present), strict=True)
            )
    except ApiError as error:
        return dict.fromkeys(leaving, f"what its drain deletes is unknown, as {error}")
    sentences = {
        name: _sentence(pods if leaving[name] else _movable(name, pods, nodes))
        for name, pods in found.items()
    }
    return {name: sentence for name, sentence in sentences.items() if sentence}


def _read(client: Client, node: str) -> list[Json]:
    """Return the Node's pods with which something goes."""
    pods = client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={node}")
    return [
        each
        for each in pods
        if not (pod.belongs_to_node(each) or pod.has_finished(each) or pod.is_terminating(each))
        and (pod.is_bare(each) or pod.has_scratch_data(each))
    ]


def _movable(node: str, pods: list[Json], nodes: Iterable[Json]) -> list[Json]:
    others = [each for each in nodes if _name(each) != node]
    stay = placement.unplaceable({pod.uid(each): each for each in pods}, others)
    return [each for each in pods if pod.uid(each) not in stay]


def _sentence(pods: list[Json]) -> str:
    bare = [each for each in pods if pod.is_bare(each)]
    data = [each for each in pods if pod.has_scratch_data(each)]
    return "; ".join(
        f"{what} ({len(lost)}): {pod.titles(lost)}"
        for what, lost in (
            ("pods without a controller deleted for good", bare),
            ("emptyDir data deleted with its pods", data),
        )
        if lost
    )


def _name(node: Json) -> str:
    return str(node["metadata"]["name"])
