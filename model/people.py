"""The people of a fleet and what each may do in a cluster.

A certificate says who a person is and nothing else: bindings alone decide what they may do, so that
access changes without a new certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

# Roles of Kubernetes' own that bindings may refer to.
# https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
KUBERNETES_ROLES = ("view", "edit", "admin", "cluster-admin")
AUDITOR, WATCHER = "auditor", "watcher"
BUILT_IN_ROLES = (*KUBERNETES_ROLES, AUDITOR, WATCHER)
# Kubernetes' own users and groups begin with "system:", kubeadm's and this program's with "kube".
RESERVED = ("system", "kube")
READ_ONLY_ROLES = ("view", AUDITOR, WATCHER)


@dataclass(frozen=True)
class Role:
    """A role; `rules` are those of RBAC, none for one of Kubernetes' own."""

    name: str
    rules: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    @property
    def object_name(self) -> str:
        """The name of its ClusterRole."""
        return f"kubeadm-fleet:{self.name}" if self.rules else self.name


@dataclass(frozen=True)
class Grant:
    """A role in one namespace of a cluster, or in all of the cluster (namespace "")."""

    role: Role
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.role.name} in {self.namespace}" if self.namespace else self.role.name


@dataclass(frozen=True)
class Person:
    """A person: certificates with this name are valid for `lifetime_seconds` at most."""

    name: str
    lifetime_seconds: int


class PersonEntry(TypedDict):
    """A person in the stack's output `people`: their clusters, and how long certificates last."""

    clusters: list[str]
    lifetimeSeconds: float


def authority_name(person: str) -> str:
    """Return the name of a person's CA, also that of its resource."""
    return f"person-{person}"


def person_of(authority: str) -> str:
    """Return whose CA has this name; "" if it is nobody's."""
    prefix = authority_name("")
    return authority.removeprefix(prefix) if authority.startswith(prefix) else ""


@dataclass(frozen=True)
class Subject:
    """A user or a group, as bindings name it; `kind` is "User" or "Group"."""

    kind: str
    name: str


@dataclass(frozen=True)
class Bound:
    """Grants of the same subjects; the names of their bindings begin with `prefix`."""

    prefix: str
    subjects: tuple[Subject, ...]
    grants: tuple[Grant, ...]


def person_prefix(person: str) -> str:
    """Return what the names of a person's bindings begin with."""
    return f"kubeadm-fleet:{person}:"


def how_to_grant(person: str) -> str:
    """Say how a revoked access is granted again, or given up."""
    return (
        f"To grant it again, remove `revoked` from people.users.{person} and run `fleet up` "
        f"({person} then needs another kubeconfig); otherwise remove {person} from people.users"
    )


def group_prefix(group: str) -> str:
    """Return what the names of bindings begin with that a group of the config has for tokens."""
    return f"kubeadm-fleet-group:{group}:"


# Everybody's grants in one cluster, by name.
Access = Mapping[str, tuple[Grant, ...]]

_AUDITED = {
    "": (
        *("bindings", "componentstatuses", "configmaps", "endpoints", "events", "limitranges"),
        *("namespaces", "namespaces/status", "nodes", "nodes/status", "persistentvolumeclaims"),
        *("persistentvolumes", "pods", "pods/status", "podtemplates", "replicationcontrollers"),
        *("resourcequotas", "resourcequotas/status", "serviceaccounts", "services"),
    ),
    **dict.fromkeys(
        (
            *("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"),
            *("apps", "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io"),
            *("discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io"),
            *("metrics.k8s.io", "networking.k8s.io", "node.k8s.io", "policy"),
            *("rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io"),
            "storage.k8s.io",
        ),
        ("*",),
    ),
}
# Reads how a cluster is set up and who may do what, but no Secret, log or container.
AUDITOR_ROLE = Role(
    AUDITOR,
    tuple(
        {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list", "watch"]}
        for group, resources in _AUDITED.items()
    ),
)


# Of workloads outside of the system's namespaces, this one enforces policies.
CALICO_NODE = "calico-node"


def _read(group: str, *resources: str, verbs: Sequence[str] = ("get", "list", "watch")) -> Any:
    return {"apiGroups": [group], "resources": [*resources], "verbs": [*verbs]}


# What `fleet watch` reads of a whole cluster: of objects that were applied, only kinds without
# anything that is to be kept from others.
WATCHER_ROLE = Role(
    WATCHER,
    (
        _read("", "limitranges", "namespaces", "nodes", "resourcequotas"),
        _read(
            "admissionregistration.k8s.io",
            *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
        ),
        _read("apiextensions.k8s.io", "customresourcedefinitions"),
        {**_read("", "serviceaccounts"), "resourceNames": [CALICO_NODE]},
        {**_read("apps", "daemonsets"), "resourceNames": [CALICO_NODE]},
        _read("apiregistration.k8s.io", "apiservices"),
        _read("crd.projectcalico.org", "clusterinformations", "ippools"),
        # What metrics-server measures cannot be watched.
        _read("metrics.k8s.io", "nodes", verbs=["get", "list"]),
        _read("networking.k8s.io", "networkpolicies"),
        _read(
            "rbac.authorization.k8s.io",
            *("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
        ),
        {"nonResourceURLs": ["/metrics", "/readyz", "/version"], "verbs": ["get"]},
    ),
)
# And what only in the system's namespaces: logs, ConfigMaps and workloads of others may have
# anything in them.
WATCHER_SYSTEM_ROLE = Role(
    f"{WATCHER}-system",
    (
        _read("", "configmaps", "pods", "serviceaccounts", "services"),
        _read("", "pods/log", verbs=["get"]),
        _read("apps", "daemonsets", "deployments"),
        _read("coordination.k8s.io", "leases"),
        _read("policy", "poddisruptionbudgets"),
    ),
)
