"""Labels and taints of Nodes and clusters: keys, values, and what is reserved."""

from typing import Annotated

from model.config.addresses import DNS_NAME
from model.config.field import ScalarField
from model.well_known import CONTROL_PLANE_LABEL, POOL_LABEL, ROLE_DOMAIN

LABEL_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
# Labels of these domains are reserved for Kubernetes; kubelets cannot set them (NodeRestriction).
# https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
OPEN_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
# Of those domains, these are meant for cluster operators; they are set through the API.
OPEN_NODE_DOMAINS = (ROLE_DOMAIN, "node-restriction.kubernetes.io")
# Set by kubeadm; the second is the older name of the first.
CONTROL_PLANE_LABELS = (CONTROL_PLANE_LABEL, f"{ROLE_DOMAIN}/master")
# Set by the node controller and cloud providers.
CONTROLLERS_TAINTS = ("node.kubernetes.io", "node.cloudprovider.kubernetes.io")
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _label_key(key: str) -> str:
    domain, _, _ = key.rpartition("/")
    reserved = any(
        domain == reserved_domain or domain.endswith(f".{reserved_domain}")
        for reserved_domain in RESERVED_DOMAINS
    )
    if reserved and key not in OPEN_LABELS:
        raise ValueError(f"labels of {domain} are reserved for Kubernetes")
    return key


def _node_label_key(key: str) -> str:
    domain = key.rpartition("/")[0]
    if key == POOL_LABEL:
        raise ValueError("set by kubeadm-fleet to the pool's name")
    if key in CONTROL_PLANE_LABELS:
        raise ValueError("set by kubeadm, on control planes only")
    if any(
        domain == open_domain or domain.endswith(f".{open_domain}")
        for open_domain in OPEN_NODE_DOMAINS
    ):
        return key
    return _label_key(key)


def _taint(text: str) -> str:
    head, _, effect = text.rpartition(":")
    key = head.partition("=")[0]
    if effect not in TAINT_EFFECTS:
        raise ValueError(f"unknown effect {effect!r}" if key else "not a taint")
    domain = key.rpartition("/")[0]
    if domain in CONTROLLERS_TAINTS:
        raise ValueError(f"taints of {domain} are set by Kubernetes controllers")
    return text


LabelKey = Annotated[
    str,
    ScalarField(
        "a label key",
        "a Kubernetes label key: [domain/]name, at most 63 characters after the /",
        "region",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_label_key,
    ),
]
LabelValue = Annotated[
    str,
    ScalarField(
        "a label value",
        "at most 63 letters, digits, -, _ and .; quote numbers",
        "tokyo",
        pattern=rf"({LABEL_PART})?",
    ),
]
NodeLabelKey = Annotated[
    str,
    ScalarField(
        "a label key",
        "a Kubernetes label key of your own, topology.kubernetes.io/region or zone, or one of "
        + " and ".join(OPEN_NODE_DOMAINS),
        "disk",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_node_label_key,
    ),
]
TaintText = Annotated[
    str,
    ScalarField(
        "a taint",
        "key=value:effect or key:effect, where the effect is " + ", ".join(TAINT_EFFECTS),
        "dedicated=database:NoSchedule",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}(=({LABEL_PART})?)?:\w+",
        check=_taint,
    ),
]
