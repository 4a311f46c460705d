"""The Nodes of a cluster as its API knows them, and what this program writes on them.

Labels and taints are whoever's: only those that this program put there are ever taken away. An
annotation on the Node keeps note of them, and of a cordon that a rollout made, so that any later
run can tell its own from a person's.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ops.kube import api, placement
from ops.kube.node import CORDONED, Node, metadata_patch

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

# On the API's picture of a static pod, which only its kubelet ends.
MIRROR = "kubernetes.io/config.mirror"
# Later than any time.
NEVER = "~"
ENDED = ("Succeeded", "Failed")
READ_SECONDS = 5
# How long a control plane that goes, or a virtual address that moves, may keep an answer away.
ANSWER_SECONDS = 30
POLL_SECONDS = 0.5
CONFLICT = 409
NOT_FOUND = 404
SERVER_ERROR = 500

T = TypeVar("T")
Change = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True)
class Pod:
    """A pod, and no other of its name."""

    namespace: str
    name: str
    uid: str


class Nodes:
    """The Nodes of one cluster, read and changed through its endpoint."""

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig

    def read(self) -> dict[str, Node] | None:
        """Return every Node by name; None while the API does not answer."""
        api.load()
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            answer: Any = self._core(api.PROBE_RETRIES).list_node(
                _preload_content=False, _request_timeout=READ_SECONDS
            )
        except (ApiException, HTTPError, OSError):
            return None
        return {
            each["metadata"]["name"]: Node.of(each) for each in json.loads(answer.data)["items"]
        }

    def can_take(self, pod: Mapping[str, Any]) -> bool:
        """Whether one of the Nodes can take such a pod."""

        def judge(core: "CoreV1Api") -> bool:
            answer: Any = core.list_node(_preload_content=False)
            return not placement.obstacles(pod, json.loads(answer.data)["items"])

        return self._ask("listing Nodes", judge)

    def cluster_document(self) -> str:
        """Return kubeadm's ClusterConfiguration as the cluster has it."""
        return self._config_map("kubeadm-config")["ClusterConfiguration"]

    def kubelet_document(self) -> str:
        """Return the KubeletConfiguration as the cluster has it."""
        return self._config_map("kubelet-config")["kubelet"]

    def _config_map(self, name: str) -> dict[str, str]:
        def read(core: "CoreV1Api") -> dict[str, str]:
            answer: Any = core.read_namespaced_config_map(
                name, "kube-system", _preload_content=False
            )
            data: dict[str, str] = json.loads(answer.data)["data"]
            return data

        return self._ask(f"reading {name}", read)

    def set_metadata(self, name: str, labels: Mapping[str, str], taints: Iterable[str]) -> None:
        """Give the Node these labels and taints, and take away those of ours that are not named."""
        taints = tuple(taints)
        self._change(name, lambda found: metadata_patch(found, labels, taints), "labeling")

    def cordon(self, name: str) -> None:
        """Keep new pods away; a Node that a person cordoned stays theirs."""

        def change(found: Mapping[str, Any]) -> dict[str, Any] | None:
            if found["spec"].get("unschedulable"):
                return None
            return {
                "metadata": {"annotations": {CORDONED: "rollout"}},
                "spec": {"unschedulable": True},
            }

        self._change(name, change, "cordoning")

    def uncordon(self, name: str) -> None:
        """Let pods in again, where it was a rollout that kept them away."""

        def change(found: Mapping[str, Any]) -> dict[str, Any] | None:
            if CORDONED not in found["metadata"].get("annotations", {}):
                return None
            return {
                "metadata": {"annotations": {CORDONED: None}},
                "spec": {"unschedulable": None},
            }

        self._change(name, change, "uncordoning")

    def one(self, name: str) -> Node | None:
        """Return the Node; None where there is none."""
        found = self._ask(f"reading Node {name}", lambda core: _find(core, name))
        return Node.of(found) if found else None

    def former_pods(self, name: str) -> list[Pod]:
        """Return the pods that do not outlive a reset of their Node's pod network.

        Those that are older than their Node belong to one that was deleted: Kubernetes would have
        deleted them, had the Node been away for longer. Those with an address of the pod network
        lose it, and it is the start of the pod network's own that makes it anew. Static pods stay.
        """

        def read(core: "CoreV1Api") -> list[Pod]:
            node = _find(core, name)
            born = node["metadata"]["creationTimestamp"] if node else NEVER
            answer: Any = core.list_pod_for_all_namespaces(
                field_selector=f"spec.nodeName={name}", _preload_content=False
            )
            return [
                Pod(found["namespace"], found["name"], found["uid"])
                for pod in json.loads(answer.data)["items"]
                if _is_former(pod, born)
                for found in [pod["metadata"]]
            ]

        return self._ask(f"listing the pods on Node {name}", read)

    def end_pods(self, name: str, pods: Iterable[Pod]) -> None:
        """Delete these pods of the Node, and none that took their names meanwhile."""

        def delete(core: "CoreV1Api") -> None:
            from kubernetes.client import ApiException, V1DeleteOptions, V1Preconditions

            for pod in pods:
                only = V1DeleteOptions(preconditions=V1Preconditions(uid=pod.uid))
                try:
                    core.delete_namespaced_pod(pod.name, pod.namespace, body=only)
                except ApiException as error:
                    if error.status not in (NOT_FOUND, CONFLICT):
                        raise

        self._ask(f"ending the pods of the former Node {name}", delete)

    def _change(self, name: str, change: Change, doing: str) -> None:
        """Patch what `change` says of the Node as it is; None says that nothing is to be done."""

        def patch(core: "CoreV1Api") -> None:
            answer: Any = core.read_node(name, _preload_content=False)
            found = json.loads(answer.data)
            wanted = change(found)
            if wanted is not None:
                version = found["metadata"]["resourceVersion"]
                wanted["metadata"] = {**wanted.get("metadata", {}), "resourceVersion": version}
                core.patch_node(name, wanted)

        self._ask(f"{doing} Node {name}", patch)

    def _ask(self, doing: str, ask: Callable[["CoreV1Api"], T]) -> T:
        """Return what is answered, in spite of a control plane that goes or of a faster hand."""
        api.load()
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return ask(self._core())
            except (ApiException, HTTPError) as error:
                status = error.status if isinstance(error, ApiException) else SERVER_ERROR
                passing = status >= SERVER_ERROR or status == CONFLICT
                if not passing or time.monotonic() > deadline:
                    raise api.explain(error, doing, self._kubeconfig) from None
            time.sleep(POLL_SECONDS)

    def _core(self, retries: int = api.RETRIES) -> "CoreV1Api":
        api.load()
        from kubernetes.client import CoreV1Api

        return CoreV1Api(api.client(self._kubeconfig, retries=retries))


def _find(core: "CoreV1Api", name: str) -> dict[str, Any] | None:
    from kubernetes.client import ApiException

    try:
        answer: Any = core.read_node(name, _preload_content=False)
    except ApiException as error:
        if error.status == NOT_FOUND:
            return None
        raise
    found: dict[str, Any] = json.loads(answer.data)
    return found


def _is_former(pod: Mapping[str, Any], born: str) -> bool:
    metadata = pod["metadata"]
    if MIRROR in metadata.get("annotations", {}):
        return False
    owners = {owner["kind"] for owner in metadata.get("ownerReferences", ())}
    is_connected = not pod["spec"].get("hostNetwork") and pod["status"]["phase"] not in ENDED
    # Both times in RFC 3339 with the same zone, so that text compares as time does.
    return is_connected or "DaemonSet" in owners or metadata["creationTimestamp"] < born
