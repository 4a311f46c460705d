"""A Node as the API returns it, and the patch that sets its labels and taints.

Labels and taints may have several owners: only those set by this program are ever removed. An
annotation on the Node records them, and a cordon set by a rollout, so that any later run can
distinguish its own from the user's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from model.scheduling import format_taint
from model.well_known import CONTROL_PLANE_LABEL
from ops.kube.conditions import condition, is_ready

MANAGED = "kubeadm-fleet/managed-labels-and-taints"
CORDONED = "kubeadm-fleet/cordoned"
# The change that an unavailable machine still needs, for people and for `fleet status`.
PENDING = "kubeadm-fleet/pending"
# What its timer failed to renew, written by scripts/node/renewal.sh for `fleet status`.
RENEWAL = "kubeadm-fleet/renewal"
# Labels of control planes. kubeadm sets them only once, so nothing else would restore them.
# https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
ROLE_LABELS = {
    CONTROL_PLANE_LABEL: "",
    "node.kubernetes.io/exclude-from-external-load-balancers": "",
}
# The taint with which kubeadm registers a control plane when it joins.
ROLE_TAINT = f"{CONTROL_PLANE_LABEL}:NoSchedule"
# flannel's annotation, from which its peers learn where to send a Node's packets.
FLANNEL = "flannel.alpha.coreos.com/backend-data"


@dataclass(frozen=True)
class Node:
    """The Node of a machine; `our_labels` and `our_taints` are those set by this program.

    `cordoned` means cordoned by this program, not by a user. `ready_since` is the last change of
    `ready`. `pod_cidr` is its share of the pod subnet, `vtep` the hardware address to which the
    other Nodes' flannel sends it packets, `pending` a change that was left to be done. `boot_id`
    identifies the boot in which its kubelet runs.
    """

    ready: bool
    cordoned: bool
    labels: Mapping[str, str]
    taints: tuple[str, ...]
    our_labels: tuple[str, ...]
    our_taints: tuple[str, ...]
    uid: str = ""
    ready_since: str = ""
    pod_cidr: str = ""
    vtep: str = ""
    pending: str = ""
    boot_id: str = ""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Node":
        """Read a Node from an API object."""
        metadata, spec = found["metadata"], found["spec"]
        annotations = metadata.get("annotations", {})
        ours = json.loads(annotations.get(MANAGED, "{}"))
        labels = metadata.get("labels", {})
        own_taints = tuple(ours.get("taints", ()))
        if labels.keys() & ROLE_LABELS:
            own_taints = (*own_taints, ROLE_TAINT)
        return cls(
            ready=is_ready(found),
            cordoned=CORDONED in annotations,
            labels=labels,
            taints=tuple(map(format_taint, spec.get("taints", ()))),
            our_labels=tuple(ours.get("labels", ())),
            our_taints=own_taints,
            uid=metadata.get("uid", ""),
            ready_since=condition(found, "Ready").get("lastTransitionTime", ""),
            pod_cidr=spec.get("podCIDR", ""),
            vtep=(json.loads(annotations.get(FLANNEL, "null")) or {}).get("VtepMAC", ""),
            pending=annotations.get(PENDING, ""),
            boot_id=found.get("status", {}).get("nodeInfo", {}).get("bootID", ""),
        )

    @property
    def unready_seconds(self) -> float:
        """How long it has not been Ready; 0 if it is, or if that is unknown."""
        if self.ready or not self.ready_since:
            return 0
        return (datetime.now(UTC) - datetime.fromisoformat(self.ready_since)).total_seconds()


def _parse_taint(taint: str) -> dict[str, str]:
    pair, _, effect = taint.rpartition(":")
    key, _, value = pair.partition("=")
    return (
        {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}
    )


def metadata_patch(
    found: Mapping[str, Any], labels: Mapping[str, str], taints: tuple[str, ...]
) -> dict[str, Any]:
    """Return the patch that gives a Node these labels and taints.

    Those of ours that are not named are removed; foreign ones stay.
    """
    node = Node.of(found)
    changed: dict[str, str | None] = {key: None for key in node.our_labels}
    changed |= labels
    desired_keys = {_key(taint) for taint in taints}
    kept = [
        taint
        for taint in found["spec"].get("taints", ())
        if (text := format_taint(taint)) not in node.our_taints and _key(text) not in desired_keys
    ]
    managed = {"labels": sorted(labels), "taints": sorted(taints)}
    return {
        "metadata": {"labels": changed, "annotations": {MANAGED: json.dumps(managed)}},
        "spec": {"taints": [*kept, *map(_parse_taint, taints)]},
    }


def _key(taint: str) -> tuple[str, str]:
    """The identity of a taint in Kubernetes: key and effect."""
    parsed = _parse_taint(taint)
    return parsed["key"], parsed["effect"]
