"""The Nodes of a cluster as its API knows them, and what this program writes on them.

Labels and taints are whoever's: only those that this program put there are ever taken away. An
annotation on the Node keeps note of them, and of a cordon that a rollout made, so that any later
run can tell its own from a person's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from ops.kube import client, placement
from ops.kube.client import PROBE_RETRIES, Client, Json, unless_missing
from ops.kube.errors import ApiError
from ops.kube.node import CORDONED, Node, metadata_patch

NODES = "/api/v1/nodes"
SYSTEM = "/api/v1/namespaces/kube-system"
# On the API's picture of a static pod, which only its kubelet ends.
MIRROR = "kubernetes.io/config.mirror"
# Later than any time.
NEVER = "~"
ENDED = ("Succeeded", "Failed")
READ_SECONDS = 5

Change = Callable[[Json], Json | None]


@dataclass(frozen=True)
class Pod:
    """A pod, and no other of its name."""

    namespace: str
    name: str
    uid: str


class Nodes:
    """The Nodes of one cluster, read and changed through its endpoint.

    Unless a method says otherwise, it is patient with an API that is unavailable for a moment, and
    raises OperatorError.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._quick = client.limited(retries=PROBE_RETRIES, seconds=READ_SECONDS)

    @classmethod
    def of(cls, kubeconfig: str) -> "Nodes":
        """Return the Nodes of the cluster of a kubeconfig, through this process's client for it."""
        return cls(client.of(kubeconfig))

    def read(self) -> dict[str, Node] | None:
        """Return every Node by name; None while the API does not answer (no waiting)."""
        try:
            return {each["metadata"]["name"]: Node.of(each) for each in self._quick.pages(NODES)}
        except ApiError:
            return None

    def look(self, name: str) -> Node | None:
        """Return the Node, None where there is none; raises ApiError at once."""
        found = self._quick.find(_path(name))
        return Node.of(found) if found else None

    def is_missing(self, name: str) -> bool:
        """Return whether the API answers and knows no such Node, which is not waited for."""
        try:
            return self._quick.find(_path(name)) is None
        except ApiError:
            return False

    def one(self, name: str) -> Node | None:
        """Return the Node; None where there is none."""
        found = self.client.ask(f"reading Node {name}", lambda: self.client.find(_path(name)))
        return Node.of(found) if found else None

    def can_take(self, pod: Mapping[str, Any]) -> bool:
        """Whether one of the Nodes can take such a pod."""
        nodes = self.client.ask("listing Nodes", lambda: list(self.client.pages(NODES)))
        return not placement.obstacles(pod, nodes)

    def cluster_document(self) -> str:
        """Return kubeadm's ClusterConfiguration as the cluster has it."""
        return self._config_map("kubeadm-config")["ClusterConfiguration"]

    def kubelet_document(self) -> str:
        """Return the KubeletConfiguration as the cluster has it."""
        return self._config_map("kubelet-config")["kubelet"]

    def drain_policy(self) -> dict[str, str]:
        """Return how machines are drained now (manifests/baseline/drain.yaml); {} if unknown."""
        path = f"{SYSTEM}/configmaps/kubeadm-fleet-drain"
        found = self.client.ask("reading how to drain", lambda: self.client.find(path))
        return dict(found["data"]) if found else {}

    def _config_map(self, name: str) -> dict[str, str]:
        path = f"{SYSTEM}/configmaps/{name}"
        return dict(self.client.ask(f"reading {name}", lambda: self.client.get(path))["data"])

    def set_metadata(self, name: str, labels: Mapping[str, str], taints: Iterable[str]) -> None:
        """Give the Node these labels and taints, and take away those of ours that are not named."""
        taints = tuple(taints)
        self._change(name, lambda found: metadata_patch(found, labels, taints), "labeling")

    def cordon(self, name: str) -> None:
        """Keep new pods away; a Node that a person cordoned stays theirs."""

        def change(found: Json) -> Json | None:
            if placement.is_cordoned(found):
                return None
            return {
                "metadata": {"annotations": {CORDONED: "rollout"}},
                "spec": {"unschedulable": True},
            }

        self._change(name, change, "cordoning")

    def uncordon(self, name: str) -> None:
        """Let pods in again, where it was a rollout that kept them away."""

        def change(found: Json) -> Json | None:
            if CORDONED not in found["metadata"].get("annotations", {}):
                return None
            return {
                "metadata": {"annotations": {CORDONED: None}},
                "spec": {"unschedulable": None},
            }

        self._change(name, change, "uncordoning")

    def cordon_permanently(self, name: str) -> bool:
        """Keep new pods away from a Node that leaves, whoever cordoned it; False if it is gone."""
        patch = {"spec": {"unschedulable": True}}
        cordoned = self.client.ask(
            f"cordoning Node {name}",
            lambda: unless_missing(lambda: self.client.patch(_path(name), patch)),
        )
        return cordoned is not None

    def delete(self, name: str) -> None:
        """Delete the Node; a missing one is fine."""
        self.client.ask(
            f"deleting Node {name}",
            lambda: unless_missing(lambda: self.client.delete(_path(name))),
        )

    def former_pods(self, name: str) -> list[Pod]:
        """Return the pods that do not outlive a reset of their Node's pod network.

        Those that are older than their Node belong to one that was deleted: Kubernetes would have
        deleted them, had the Node been away for longer. Those with an address of the pod network
        lose it, and it is the start of the pod network's own that makes it anew. Static pods stay.
        """

        def read() -> list[Pod]:
            node = self.client.find(_path(name))
            born = node["metadata"]["creationTimestamp"] if node else NEVER
            return [
                Pod(found["namespace"], found["name"], found["uid"])
                for pod in self.client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
                if _is_former(pod, born)
                for found in [pod["metadata"]]
            ]

        return self.client.ask(f"listing the pods on Node {name}", read)

    def end_pods(self, name: str, pods: Iterable[Pod]) -> None:
        """Delete these pods of the Node, and none that took their names meanwhile."""
        for pod in pods:
            doing = f"ending pod {pod.namespace}/{pod.name} of the former Node {name}"
            self.client.ask(doing, partial(self._end, pod))

    def _end(self, pod: Pod) -> None:
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
        try:
            self.client.delete(path, {"preconditions": {"uid": pod.uid}})
        except ApiError as error:
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    def _change(self, name: str, change: Change, doing: str) -> None:
        """Patch what `change` says of the Node as it is; None says that nothing is to be done."""

        def patch() -> None:
            found = self.client.get(_path(name))
            wanted = change(found)
            if wanted is not None:
                version = found["metadata"]["resourceVersion"]
                wanted["metadata"] = {**wanted.get("metadata", {}), "resourceVersion": version}
                self.client.patch(_path(name), wanted)

        self.client.ask(f"{doing} Node {name}", patch)


def _path(name: str) -> str:
    return f"{NODES}/{name}"


def _is_former(pod: Mapping[str, Any], born: str) -> bool:
    metadata = pod["metadata"]
    if MIRROR in metadata.get("annotations", {}):
        return False
    owners = {owner["kind"] for owner in metadata.get("ownerReferences", ())}
    is_connected = not pod["spec"].get("hostNetwork") and pod["status"]["phase"] not in ENDED
    # Both times in RFC 3339 with the same zone, so that text compares as time does.
    return is_connected or "DaemonSet" in owners or metadata["creationTimestamp"] < born
