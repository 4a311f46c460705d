"""A cluster of a thousand Nodes, each as large as a kubelet with many images makes it."""

from collections.abc import Iterator
from typing import Any

from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODES_PATH, found

NODES = 1000
# A Node's images are most of it: kubelets report up to 50, by digest and by tag.
IMAGES = [
    {"names": [f"{name}@sha256:{number:064}", f"{name}:v1.36.{number}"], "sizeBytes": 10**8}
    for number in range(50)
    for name in [f"registry.example.org/some-team/some-service/image-{number}"]
]
NODE_BYTES = 13_000


def name(number: int) -> str:
    return f"large-worker-{number:03}"


def node(named: str, ready: str = "True", **spec: Any) -> dict[str, Any]:
    like = found(ready, named, **spec)
    return {**like, "status": {**like["status"], "images": IMAGES}}


def serve(api: Api, **spec: Any) -> None:
    """Have the API know the Nodes."""
    api.lists[NODES_PATH] = [node(name(number), **spec) for number in range(NODES)]


def becomes_ready(api: Api, named: str, looks: int) -> None:
    """Have a Node be Ready when it is read for the last of so many times."""

    def states() -> Iterator[dict[str, Any]]:
        yield from [node(named, "False")] * (looks - 1)
        yield node(named)

    answers = states()
    api.answers[f"GET {NODES_PATH}/{named}"] = lambda: (200, next(answers))
