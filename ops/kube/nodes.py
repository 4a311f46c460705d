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
from ops.kube.placement import written
from ops.rollout.desired import ROLE_LABELS, DesiredMachine
from ops.rollout.observed import Node

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

MANAGED = "kubeadm-fleet/managed-labels-and-taints"
CORDONED = "kubeadm-fleet/cordoned"
# On the API's picture of a static pod, which only its kubelet ends.
MIRROR = "kubernetes.io/config.mirror"
# What kubeadm taints a control plane with when it joins.
ROLE_TAINT = "node-role.kubernetes.io/control-plane:NoSchedule"
# flannel's, which its peers send a Node's packets by.
FLANNEL = "flannel.alpha.coreos.com/backend-data"
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
        return {each["metadata"]["name"]: _node(each) for each in json.loads(answer.data)["items"]}

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

    def mark(self, wanted: DesiredMachine) -> None:
        """Give the Node the labels and taints that are wanted, and take away ours that are not."""
        self._change(wanted.name, lambda found: _marked(found, wanted), "marking")

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
        return _node(found) if found else None

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


def _node(found: Mapping[str, Any]) -> Node:
    metadata, spec = found["metadata"], found["spec"]
    annotations = metadata.get("annotations", {})
    ours = json.loads(annotations.get(MANAGED, "{}"))
    labels = metadata.get("labels", {})
    own_taints = tuple(ours.get("taints", ()))
    conditions = found["status"].get("conditions", ())
    ready: Mapping[str, Any] = next((each for each in conditions if each["type"] == "Ready"), {})
    if labels.keys() & ROLE_LABELS:
        own_taints = (*own_taints, ROLE_TAINT)
    return Node(
        ready=ready.get("status") == "True",
        cordoned=CORDONED in annotations,
        labels=labels,
        taints=tuple(written(each) for each in spec.get("taints", ())),
        our_labels=tuple(ours.get("labels", ())),
        our_taints=own_taints,
        uid=metadata.get("uid", ""),
        ready_since=ready.get("lastTransitionTime", ""),
        pod_cidr=spec.get("podCIDR", ""),
        vtep=(json.loads(annotations.get(FLANNEL, "null")) or {}).get("VtepMAC", ""),
    )


def _read(taint: str) -> dict[str, str]:
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    return (
        {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}
    )


def _marked(found: Mapping[str, Any], wanted: DesiredMachine) -> dict[str, Any]:
    node = _node(found)
    labels: dict[str, str | None] = {key: None for key in node.our_labels}
    labels |= wanted.labels
    wanted_keys = {_key(each) for each in wanted.taints}
    kept = [
        each
        for each in found["spec"].get("taints", ())
        if written(each) not in node.our_taints and _key(written(each)) not in wanted_keys
    ]
    ours = {"labels": sorted(wanted.labels), "taints": sorted(wanted.taints)}
    return {
        "metadata": {"labels": labels, "annotations": {MANAGED: json.dumps(ours)}},
        "spec": {"taints": [*kept, *(_read(each) for each in wanted.taints)]},
    }


def _key(taint: str) -> tuple[str, str]:
    """What makes two taints the same to Kubernetes: key and effect."""
    read = _read(taint)
    return read["key"], read["effect"]
