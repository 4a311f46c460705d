"""What is kept of a pod of the system namespace: a few words of many kilobytes."""

from dataclasses import dataclass
from datetime import datetime

from model.api_objects import Json
from ops.kube.conditions import is_ready

PROBE, DNS = "kubeadm-fleet-probe", "kube-dns"
CONTROL_PLANE_TIER = "control-plane"
QUOTA_FLAG = "--quota-backend-bytes="
# etcd's own, if the flag is not set.
QUOTA_BYTES = 2 << 30


@dataclass(frozen=True)
class Pod:
    """A pod: `component` if it is one of a control plane's, `app` if it is the probe or DNS.

    `quota` is that of an etcd's database in bytes; `waits` is why a container does not run.
    """

    name: str
    node: str
    ready: bool
    component: str
    app: str
    address: str
    containers: frozenset[str]
    waits: str
    started: datetime | None
    quota: int

    @property
    def is_probe(self) -> bool:
        """Whether it is the probe of a Node."""
        return self.app == PROBE


def read(pod: Json) -> Pod | None:
    """Reduce a pod; None for one that ends, or that nothing here is about."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    labels = metadata.get("labels") or {}
    is_component = labels.get("tier") == CONTROL_PLANE_TIER
    component = str(labels.get("component") or "") if is_component else ""
    app = str(labels.get("app.kubernetes.io/name") or labels.get("k8s-app") or "")
    app = app if app in (PROBE, DNS) else ""
    if not (component or app) or "deletionTimestamp" in metadata:
        return None
    started = status.get("startTime")
    return Pod(
        name=str(metadata["name"]),
        node=str(spec.get("nodeName") or ""),
        ready=is_ready(pod),
        component=component,
        app=app,
        address=str(status.get("podIP") or ""),
        containers=frozenset(str(each["name"]) for each in spec.get("containers") or ()),
        waits=_waits(status),
        started=datetime.fromisoformat(started) if started else None,
        quota=_quota(spec) if component == "etcd" else 0,
    )


def _waits(status: Json) -> str:
    for each in status.get("containerStatuses") or ():
        state = each.get("state") or {}
        for kind in ("waiting", "terminated"):
            if found := state.get(kind):
                return f"{found.get('reason') or kind}: {found.get('message') or ''}".rstrip(": ")
    return ""


def _quota(spec: Json) -> int:
    for container in spec.get("containers") or ():
        for word in (*(container.get("command") or ()), *(container.get("args") or ())):
            if str(word).startswith(QUOTA_FLAG):
                text = str(word).removeprefix(QUOTA_FLAG)
                return int(text) if text.isdigit() and int(text) else QUOTA_BYTES
    return QUOTA_BYTES
