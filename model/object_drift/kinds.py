"""The kinds of objects that a run applies, by apiVersion and name, as an API serves them."""

from dataclasses import dataclass

from model.aggregated_api import API_SERVICES
from model.own_namespaces import CONTROL_PLANE_NAMESPACE, NETWORK_NAMESPACES
from model.people import CALICO_NODE


@dataclass(frozen=True)
class ServedKind:
    """The name of a kind in paths, and whether its objects are in namespaces.

    `namespaces` are those in which `fleet watch` reads it, if it may not read everybody's; in those
    of ONLY, it reads the object of this name.
    """

    plural: str
    is_namespaced: bool = True
    namespaces: tuple[str, ...] = ()


_CONTROL_PLANE = (CONTROL_PLANE_NAMESPACE,)
_FLANNEL = (CONTROL_PLANE_NAMESPACE, NETWORK_NAMESPACES["flannel"])
_SYSTEM = (*_FLANNEL, NETWORK_NAMESPACES["calico"])
# Calico's namespace may be there for its policies alone, and later than the access to a cluster: so
# nobody is granted anything in it.
ONLY = {NETWORK_NAMESPACES["calico"]: CALICO_NODE}
_RBAC = "rbac.authorization.k8s.io/v1"
_ADMISSION = "admissionregistration.k8s.io/v1"
KINDS = {
    ("v1", "ConfigMap"): ServedKind("configmaps", namespaces=_FLANNEL),
    ("v1", "LimitRange"): ServedKind("limitranges"),
    ("v1", "Namespace"): ServedKind("namespaces", False),
    ("v1", "ResourceQuota"): ServedKind("resourcequotas"),
    ("v1", "Service"): ServedKind("services", namespaces=_CONTROL_PLANE),
    ("v1", "ServiceAccount"): ServedKind("serviceaccounts", namespaces=_SYSTEM),
    ("apps/v1", "DaemonSet"): ServedKind("daemonsets", namespaces=_SYSTEM),
    ("apps/v1", "Deployment"): ServedKind("deployments", namespaces=_CONTROL_PLANE),
    ("networking.k8s.io/v1", "NetworkPolicy"): ServedKind("networkpolicies"),
    ("policy/v1", "PodDisruptionBudget"): ServedKind(
        "poddisruptionbudgets", namespaces=_CONTROL_PLANE
    ),
    (_RBAC, "ClusterRole"): ServedKind("clusterroles", False),
    (_RBAC, "ClusterRoleBinding"): ServedKind("clusterrolebindings", False),
    (_RBAC, "Role"): ServedKind("roles"),
    (_RBAC, "RoleBinding"): ServedKind("rolebindings"),
    (_ADMISSION, "ValidatingAdmissionPolicy"): ServedKind("validatingadmissionpolicies", False),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): ServedKind(
        "validatingadmissionpolicybindings", False
    ),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ServedKind(
        "customresourcedefinitions", False
    ),
    (API_SERVICES, "APIService"): ServedKind("apiservices", False),
    ("crd.projectcalico.org/v1", "ClusterInformation"): ServedKind("clusterinformations", False),
    ("crd.projectcalico.org/v1", "IPPool"): ServedKind("ippools", False),
}
