"""Pods that trust a cluster's former CA alone: they started before its successor was published.

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
RESTART_SECONDS = 300
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


def restart(client: Client, workload: Workload) -> None:
    """Replace the pods of a workload as it does for a new template; wait until it is done."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    template = {"metadata": {"annotations": {RESTARTED: now}}}
    client.retry(
        f"restarting {workload.name}",
        lambda: client.patch(workload.path, {"spec": {"template": template}}),
    )

    def check() -> None:
        status = client.get(workload.path)
        if not _is_updated(status):
            raise NotYet(f"{workload.name} has not replaced all of its pods")

    stops = f"{workload.name} is being restarted, and was not waited for"
    wait_until(check, RESTART_SECONDS, OperatorError, stops=stops)


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


def _is_updated(found: Json) -> bool:
    """Whether all pods of a workload are of its current template, and available."""
    status: dict[str, Any] = found.get("status") or {}
    if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
        return False
    if "desiredNumberScheduled" in status:
        wanted = status["desiredNumberScheduled"]
        updated, available = "updatedNumberScheduled", "numberAvailable"
    else:
        wanted = found["spec"].get("replicas", 1)
        updated, available = "updatedReplicas", "availableReplicas"
    return bool(status.get(updated, 0) >= wanted and status.get(available, 0) >= wanted)
