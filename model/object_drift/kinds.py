"""The kinds of objects that a run applies, by apiVersion and name, as an API serves them."""

from dataclasses import dataclass

from model.aggregated_api import API_SERVICES


@dataclass(frozen=True)
class ServedKind:
    """The name of a kind in paths, and whether its objects are in namespaces."""

    plural: str
    is_namespaced: bool = True


_RBAC = "rbac.authorization.k8s.io/v1"
_ADMISSION = "admissionregistration.k8s.io/v1"
KINDS = {
    ("v1", "ConfigMap"): ServedKind("configmaps"),
    ("v1", "LimitRange"): ServedKind("limitranges"),
    ("v1", "Namespace"): ServedKind("namespaces", False),
    ("v1", "ResourceQuota"): ServedKind("resourcequotas"),
    ("v1", "Service"): ServedKind("services"),
    ("v1", "ServiceAccount"): ServedKind("serviceaccounts"),
    ("apps/v1", "DaemonSet"): ServedKind("daemonsets"),
    ("apps/v1", "Deployment"): ServedKind("deployments"),
    ("networking.k8s.io/v1", "NetworkPolicy"): ServedKind("networkpolicies"),
    ("policy/v1", "PodDisruptionBudget"): ServedKind("poddisruptionbudgets"),
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
}
