"""A cluster's Nodes, read and changed through its API.

Labels and taints may have several owners: only those set by this program are ever removed. An
annotation on the Node records them, and a cordon set by a rollout, so that any later run can
distinguish its own from the user's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from model.api_objects import Json
from ops.kube import placement
from ops.kube.client import PROBE_RETRIES, Client, unless_missing
from ops.kube.errors import ApiError
from ops.kube.node import CORDONED, PENDING, Node, metadata_patch
from ops.kube.pod import has_finished, is_mirror

NODES = "/api/v1/nodes"
SYSTEM = "/api/v1/namespaces/kube-system"
# Later than any time.
NEVER = "~"
READ_SECONDS = 5
# The size of a page where the first few Nodes usually answer the question.
FEW = 50

Change = Callable[[Json], Json | None]


@dataclass(frozen=True)
class Pod:
    """One specific pod: not another of the same name."""

    namespace: str
    name: str
    uid: str


class Nodes:
    """The Nodes of one cluster, read and changed through its endpoint.

    Unless documented otherwise, methods retry while the API is briefly unavailable, and raise
    OperatorError.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._quick = client.limited(retries=PROBE_RETRIES, seconds=READ_SECONDS)

    def read(self) -> dict[str, Node] | None:
        """Return every Node by name; None if the API does not answer (no waiting)."""
        try:
            return {node["metadata"]["name"]: Node.of(node) for node in self._quick.pages(NODES)}
        except ApiError:
            return None

    def all(self) -> dict[str, Node]:
        """Return every Node by name."""

        def read() -> dict[str, Node]:
            found = self._quick.pages(NODES)
            return {node["metadata"]["name"]: Node.of(node) for node in found}

        return self.client.retry("listing Nodes", read)

    def answers(self) -> bool:
        """Whether the API can read Nodes now (no waiting, and no more than one is read)."""
        try:
            self._quick.get(NODES, limit=1)
        except ApiError:
            return False
        return True

    def find_once(self, name: str) -> Node | None:
        """Return the Node, None if there is none; raises ApiError without retrying."""
        found = self._quick.find(_path(name))
        return Node.of(found) if found else None

    def find(self, name: str) -> Node | None:
        """Return the Node, None if there is none."""
        found = self.client.retry(f"reading Node {name}", lambda: self.client.find(_path(name)))
        return Node.of(found) if found else None

    def can_take(self, pod: Mapping[str, Any]) -> bool:
        """Whether any Node can take such a pod."""

        def ask() -> bool:
            return not placement.obstacles(pod, self.client.pages(NODES, limit=FEW))

        return self.client.retry("listing Nodes", ask)

    def cluster_document(self) -> str:
        """Return the cluster's ClusterConfiguration of kubeadm."""
        return str(self._config_map("kubeadm-config")["data"]["ClusterConfiguration"])

    def drain_policy(self) -> dict[str, str]:
        """Return the current drain policy (manifests/baseline/drain.yaml); {} if unknown."""
        path = f"{SYSTEM}/configmaps/kubeadm-fleet-drain"
        found = self.client.retry("reading the drain policy", lambda: self.client.find(path))
        return dict(found["data"]) if found else {}

    def _config_map(self, name: str) -> Json:
        path = f"{SYSTEM}/configmaps/{name}"
        return self.client.retry(f"reading {name}", lambda: self.client.get(path))

    def set_metadata(self, name: str, labels: Mapping[str, str], taints: Iterable[str]) -> None:
        """Set these labels and taints on the Node, and remove this program's others."""
        taints = tuple(taints)
        self._change(name, lambda found: metadata_patch(found, labels, taints), "labeling")

    def set_pending(self, name: str, text: str) -> None:
        """Write on the Node which change it still needs; "" if none."""
        patch = {"metadata": {"annotations": {PENDING: text or None}}}
        self.client.retry(
            f"annotating Node {name}",
            lambda: unless_missing(lambda: self.client.patch(_path(name), patch)),
        )

    def cordon(self, name: str) -> None:
        """Cordon the Node; a cordon set by a user stays the user's."""

        def change(found: Json) -> Json | None:
            if placement.is_cordoned(found):
                return None
            return {
                "metadata": {"annotations": {CORDONED: "rollout"}},
                "spec": {"unschedulable": True},
            }

        self._change(name, change, "cordoning")

    def uncordon(self, name: str) -> None:
        """Uncordon the Node if a rollout cordoned it."""

        def change(found: Json) -> Json | None:
            if CORDONED not in found["metadata"].get("annotations", {}):
                return None
            return {
                "metadata": {"annotations": {CORDONED: None}},
                "spec": {"unschedulable": None},
            }

        self._change(name, change, "uncordoning")

    def cordon_permanently(self, name: str) -> Json | None:
        """Cordon a Node that leaves, even if a user cordoned it before; None if it is gone.

        If it stays after all, the next rollout removes the cordon.
        """

        def cordon() -> Json | None:
            found = self.client.find(_path(name))
            if found is None or placement.is_cordoned(found):
                return found
            body = {
                "metadata": {"annotations": {CORDONED: "leaving"}},
                "spec": {"unschedulable": True},
            }
            return unless_missing(lambda: self.client.patch(_path(name), body))

        return self.client.retry(f"cordoning Node {name}", cordon)

    def delete(self, name: str) -> None:
        """Delete the Node; a missing one is ignored."""
        self.client.retry(
            f"deleting Node {name}",
            lambda: unless_missing(lambda: self.client.delete(_path(name))),
        )

    def former_pods(self, name: str) -> list[Pod]:
        """Return the pods that do not survive a reset of their Node's pod network.

        Pods older than their Node belong to a deleted one: Kubernetes would have deleted them if
        the Node had been missing for longer. Pods with an address of the pod network lose it; the
        pod network's own pods recreate the network when they start. Static pods stay.
        """

        def read() -> list[Pod]:
            node = self.client.find(_path(name))
            created = node["metadata"]["creationTimestamp"] if node else NEVER
            return [
                Pod(found["namespace"], found["name"], found["uid"])
                for pod in self.client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")
                if _is_former(pod, created)
                for found in [pod["metadata"]]
            ]

        return self.client.retry(f"listing the pods on Node {name}", read)

    def delete_pods(self, name: str, pods: Iterable[Pod]) -> None:
        """Delete these pods of the Node, but none that has since taken one of their names."""
        for pod in pods:
            operation = f"deleting pod {pod.namespace}/{pod.name} of the former Node {name}"
            self.client.retry(operation, partial(self._delete_pod, pod))

    def _delete_pod(self, pod: Pod) -> None:
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
        try:
            self.client.delete(path, {"preconditions": {"uid": pod.uid}})
        except ApiError as error:
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    def _change(self, name: str, change: Change, operation: str) -> None:
        """Apply the patch that `change` returns for the current Node; None means no change."""

        def patch() -> None:
            found = self.client.get(_path(name))
            body = change(found)
            if body is not None:
                version = found["metadata"]["resourceVersion"]
                body["metadata"] = {**body.get("metadata", {}), "resourceVersion": version}
                self.client.patch(_path(name), body)

        self.client.retry(f"{operation} Node {name}", patch)


def _path(name: str) -> str:
    return f"{NODES}/{name}"


def _is_former(pod: Mapping[str, Any], created: str) -> bool:
    metadata = pod["metadata"]
    if is_mirror(pod):
        return False
    owners = {owner["kind"] for owner in metadata.get("ownerReferences", ())}
    is_connected = not pod["spec"].get("hostNetwork") and not has_finished(pod)
    # Both times are RFC 3339 in the same zone, so text order is time order.
    return is_connected or "DaemonSet" in owners or metadata["creationTimestamp"] < created
