"""Pods that the end of a rotation cuts off, and how ours are replaced before.

Some trust a cluster's former CA alone: they started before its successor was published.

A pod has the cluster's CAs from the ConfigMap kube-root-ca.crt of its namespace. The file in its
container follows the ConfigMap; many programs read it only when they start.
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from model.api_objects import Json
from ops.errors import OperatorError
from ops.kube import pod
from ops.kube.client import Client
from ops.wait import NotYet, wait_until

ROOTS = "kube-root-ca.crt"
APPS = "/apis/apps/v1/namespaces"
# At least, and for each pod: a DaemonSet replaces those of one Node after the other.
RESTART_SECONDS, POD_SECONDS = 300, 60
# What kubectl's own `rollout restart` writes.
RESTARTED = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True)
class Workload:
    """A workload of ours, by what its pods are called after."""

    namespace: str
    kind: str
    name: str

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"{APPS}/{self.namespace}/{self.kind}/{self.name}"

    def owns(self, found: Json) -> bool:
        """Whether a pod is one of its."""
        metadata = found["metadata"]
        owners = metadata.get("ownerReferences", ())
        return metadata["namespace"] == self.namespace and any(
            owner["name"] == self.name or owner["name"].startswith(f"{self.name}-")
            for owner in owners
        )


OWN = (
    Workload("kube-system", "daemonsets", "kube-proxy"),
    Workload("kube-flannel", "daemonsets", "flannel"),
    Workload("calico-system", "daemonsets", "calico-node"),
    Workload("kube-system", "deployments", "coredns"),
    Workload("kube-system", "deployments", "metrics-server"),
)


@dataclass(frozen=True)
class Holders:
    """Our workloads of which pods hold the former CA alone, and the names of others' pods."""

    own: tuple[Workload, ...]
    others: tuple[str, ...]


def read(client: Client) -> Holders:
    """Return what has running containers that started before its CAs were published."""
    published = {
        found["metadata"]["namespace"]: _written(found)
        for found in client.pages("/api/v1/configmaps", fieldSelector=f"metadata.name={ROOTS}")
    }
    holders = [
        found
        for found in client.pages("/api/v1/pods")
        if not (pod.has_finished(found) or pod.is_terminating(found) or pod.is_mirror(found))
        and _has_roots(found)
        and any(
            started < published.get(found["metadata"]["namespace"], "")
            for started in _starts(found)
        )
    ]
    return Holders(
        own=tuple(workload for workload in OWN if any(map(workload.owns, holders))),
        others=tuple(
            pod.title(found)
            for found in holders
            if not any(workload.owns(found) for workload in OWN)
        ),
    )


def created_before(client: Client, moment: str) -> tuple[Workload, ...]:
    """Return our workloads with pods that were created before a moment (ISO 8601).

    A pod's token is signed when it is created, and again after four fifths of an hour.
    """
    limit = datetime.fromisoformat(moment)
    older = [
        found
        for found in client.pages("/api/v1/pods")
        if datetime.fromisoformat(found["metadata"]["creationTimestamp"]) < limit
        and not pod.is_terminating(found)
    ]
    return tuple(workload for workload in OWN if any(map(workload.owns, older)))


@dataclass(frozen=True)
class Restart:
    """A workload whose pods are being replaced, one after the other."""

    client: Client
    workload: Workload

    def wait(self) -> None:
        """Wait until all pods are replaced, longer for more of them.

        Raises OperatorError if it takes too long, and Interrupted.
        """
        name = self.workload.name

        def check() -> None:
            replaced, pods = self._replaced()
            if replaced < pods:
                raise NotYet(f"{name} has replaced {replaced} of its {pods} pods")

        seconds = max(RESTART_SECONDS, self._replaced()[1] * POD_SECONDS)
        stops = f"{name} is being restarted, and was not waited for"
        wait_until(check, seconds, OperatorError, stops=stops)

    def _replaced(self) -> tuple[int, int]:
        """Return how many pods are of the current template and available, and how many should."""
        found = self.client.retry(
            f"reading {self.workload.name}", lambda: self.client.get(self.workload.path)
        )
        status: dict[str, Any] = found.get("status") or {}
        if "desiredNumberScheduled" in status:
            pods = status["desiredNumberScheduled"]
            updated, available = "updatedNumberScheduled", "numberAvailable"
        else:
            pods = found["spec"].get("replicas", 1)
            updated, available = "updatedReplicas", "availableReplicas"
        if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
            return 0, pods
        return min(status.get(updated, 0), status.get(available, 0)), pods


def restart(client: Client, workload: Workload) -> Restart:
    """Begin to replace the pods of a workload as it does for a new template."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    template = {"metadata": {"annotations": {RESTARTED: now}}}
    client.retry(
        f"restarting {workload.name}",
        lambda: client.patch(workload.path, {"spec": {"template": template}}),
    )
    return Restart(client, workload)


def _written(found: Json) -> str:
    """Return when the content of a ConfigMap was written last; "" if nobody says so."""
    entries = found["metadata"].get("managedFields") or ()
    return max(
        (entry["time"] for entry in entries if "f:data" in entry.get("fieldsV1", {})), default=""
    )


def _has_roots(found: Json) -> bool:
    return any(
        source.get("configMap", {}).get("name") == ROOTS
        for volume in found["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    )


def _starts(found: Json) -> Iterator[str]:
    for container in found.get("status", {}).get("containerStatuses") or ():
        if running := container.get("state", {}).get("running"):
            yield str(running["startedAt"])
