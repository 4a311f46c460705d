"""Registrations of clusters in tools that manage them, such as Argo CD and Flux."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

ARGOCD, FLUX = "argocd", "flux"
TOOLS = (ARGOCD, FLUX)
# What Argo CD knows a cluster's Secret by.
# https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
ARGOCD_TYPE = "argocd.argoproj.io/secret-type"
# Only administrators can request tokens of service accounts there.
ACCOUNT_NAMESPACE = "kube-system"


@dataclass(frozen=True)
class Registration:
    """A cluster in a tool, which runs in the `cluster` and reads its Secret in the `namespace`.

    Its account has the ClusterRole `role`, with tokens that are valid for `lifetime_seconds`.
    """

    tool: str
    cluster: str
    namespace: str
    role: str
    lifetime_seconds: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The name of the tool's ServiceAccount in the registered cluster."""
        return f"kubeadm-fleet-{self.tool}"


class Registered(TypedDict):
    """What a tool's Secret says about a cluster, beside the token; `authority` is PEM."""

    tool: str
    cluster: str
    namespace: str
    server: str
    authority: str
    labels: dict[str, str]
    annotations: dict[str, str]


def secret_name(tool: str, cluster: str) -> str:
    """Return the name of a cluster's Secret; Flux's is as Cluster API has it."""
    return f"cluster-{cluster}" if tool == ARGOCD else f"{cluster}-kubeconfig"
