"""What `fleet status` says of a Node, from the object of the API."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model.api_objects import Json
from model.scheduling import format_taint
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import NodeStatus
from model.well_known import POOL_LABEL, ROLE_DOMAIN
from ops.kube.conditions import is_ready
from ops.kube.node import PENDING, RENEWAL

_ROLE = f"{ROLE_DOMAIN}/"
# Labels that every kubelet sets.
_KUBELETS = frozenset(
    f"{beta}kubernetes.io/{what}" for beta in ("", "beta.") for what in ("arch", "os")
) | {"kubernetes.io/hostname"}
# On a healthy Node, Ready is True and every other condition is False.
READY = "Ready"
NOT_READY, NO_NETWORK = "NotReady", "NetworkNotReady"
# What a kubelet says if its runtime has no CNI configuration, and of nothing else.
_NO_CNI = "container runtime network not ready:"


@dataclass(frozen=True)
class NodeReading:
    """A Node, and what is wrong with it; `changed` is when this program last wrote it."""

    status: NodeStatus
    conditions: tuple[Condition, ...]
    changed: datetime | None


def read(cluster: str, node: Json, manager: str) -> NodeReading:
    """Reduce a Node to what is shown; `manager` is the field manager of this program."""
    metadata, status = node["metadata"], node["status"]
    labels = metadata.get("labels") or {}
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    info = status.get("nodeInfo") or {}
    return NodeReading(
        NodeStatus(
            name=metadata["name"],
            roles=roles or ["worker"],
            pool=labels.get(POOL_LABEL, ""),
            labels={key: value for key, value in labels.items() if key not in _KUBELETS},
            taints=[*map(format_taint, (node.get("spec") or {}).get("taints") or ())],
            ready=is_ready(node),
            cordoned=bool((node.get("spec") or {}).get("unschedulable")),
            version=info.get("kubeletVersion") or "",
            runtime=info.get("containerRuntimeVersion") or "",
            kernel=info.get("kernelVersion") or "",
            os=info.get("osImage") or "",
            addresses=[
                found["address"]
                for found in status.get("addresses") or ()
                if found["type"] == "InternalIP"
            ],
            created=metadata.get("creationTimestamp"),
        ),
        tuple(_conditions(cluster, node)),
        last_written(metadata, manager),
    )


def last_written(metadata: Json, manager: str) -> datetime | None:
    """Return when a field manager last wrote an object; None if it never did."""
    times = [
        datetime.fromisoformat(entry["time"])
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager") == manager and entry.get("time")
    ]
    return max(times, default=None)


def _conditions(cluster: str, node: Json) -> Iterator[Condition]:
    def condition(severity: Severity, reason: str, message: str, **others: Any) -> Condition:
        return Condition(
            cluster=cluster,
            kind="Node",
            name=node["metadata"]["name"],
            severity=severity,
            reason=reason,
            message=message,
            **others,
        )

    reported = node["status"].get("conditions") or ()
    # Of a kubelet that is silent, nothing is known: that is one fault, which Ready says.
    is_silent = any(each["type"] == READY and each["status"] == "Unknown" for each in reported)
    for found in reported:
        is_main = found["type"] == READY
        if found["status"] == ("True" if is_main else "False"):
            continue
        if is_silent and not is_main and found["status"] == "Unknown":
            continue
        name = NOT_READY if is_main else f"{found['type']} is {found['status']}"
        why = found.get("message") or found.get("reason") or ""
        yield condition(
            Severity.ERROR if is_main else Severity.WARNING,
            _reason(why) if is_main else found["type"],
            f"{name}: {why}" if why else name,
            ready=Ready.UNKNOWN if found["status"] == "Unknown" else Ready.FALSE,
            since=found.get("lastTransitionTime"),
        )
    if not any(found["type"] == READY for found in reported):
        message = "the kubelet has not reported yet"
        yield condition(Severity.ERROR, NOT_READY, message, ready=Ready.UNKNOWN)
    annotations = node["metadata"].get("annotations") or {}
    if pending := annotations.get(PENDING):
        message = f"a change is pending until it is available: {pending}"
        yield condition(Severity.WARNING, "ChangePending", message)
    if failures := annotations.get(RENEWAL):
        yield condition(Severity.WARNING, "TimerFailed", f"its timer failed: {failures}")
    if (node.get("spec") or {}).get("unschedulable"):
        message = "cordoned: no new pods are scheduled on this node"
        yield condition(Severity.WARNING, "Cordoned", message)


def _reason(why: str) -> str:
    """Return the reason of a Node that is not Ready; a list in brackets has several."""
    return NO_NETWORK if why.startswith(_NO_CNI) else NOT_READY
