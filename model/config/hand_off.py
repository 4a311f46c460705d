"""Hand-off: the tools in which clusters are registered, and what those tools may do in them."""

from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_LABEL, DNS_NAME
from model.config.durations import duration
from model.config.field import Flag, ScalarField
from model.config.labels_and_taints import LABEL_PART
from model.config.strict import Strict

SHORTEST_SECONDS, LONGEST_SECONDS = 3600, 3650 * 24 * 3600
LIFETIME = "365d"
# Where tools are installed by their own instructions.
ARGOCD_NAMESPACE, FLUX_NAMESPACE = "argocd", "flux-system"
LONGEST_ANNOTATION = 4096
# kubectl's copy of an object would show the Secret's content to whoever may see its annotations.
OWN_ANNOTATIONS = ("kubectl.kubernetes.io", "kubeadm-fleet")


def _lifetime(seconds: int) -> None:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise ValueError("shorter than 1 hour or longer than 3650 days")


def _annotation_key(key: str) -> str:
    domain = key.rpartition("/")[0]
    if domain in OWN_ANNOTATIONS:
        raise ValueError(f"annotations of {domain} are not a user's")
    return key


def _annotation(text: str) -> str:
    if len(text) > LONGEST_ANNOTATION:
        raise ValueError(f"longer than {LONGEST_ANNOTATION} characters")
    return text


ToolCluster = Annotated[
    str, ScalarField("a cluster's name", "a key of clusters", "cluster1", pattern=DNS_LABEL)
]
Namespace = Annotated[
    str, ScalarField("a namespace", "the name of a namespace", "argocd", pattern=DNS_LABEL)
]
RoleName = Annotated[
    str,
    ScalarField(
        "a name of a ClusterRole",
        "the name of a ClusterRole, of at most 128 letters, digits, -, _, . and :",
        "cluster-admin",
        pattern=r"[A-Za-z0-9][-A-Za-z0-9_.:]{0,127}",
    ),
]
Lifetime = Annotated[
    int | str,
    duration("from 1h to 3650d", "90d", _lifetime, least=SHORTEST_SECONDS),
]
AnnotationKey = Annotated[
    str,
    ScalarField(
        "an annotation key",
        "[domain/]name, at most 63 characters after the /, other than those of "
        + " and ".join(OWN_ANNOTATIONS),
        "team",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_annotation_key,
    ),
]
AnnotationValue = Annotated[
    str,
    ScalarField(
        "an annotation",
        f"text of at most {LONGEST_ANNOTATION} characters; quote numbers",
        "payments",
        check=_annotation,
    ),
]


class Tool(Strict):
    """A tool that manages clusters: where it runs, and what it may do in them."""

    cluster: ToolCluster | None = Field(
        None,
        description="The cluster in which it runs, one of this stack; without it, no cluster is "
        "registered.",
    )
    namespace: Namespace = Field(description="Its namespace there, created if it is missing.")
    role: RoleName | None = Field(
        None,
        description="The ClusterRole that it has in a registered cluster, such as cluster-admin. "
        "There is no default.",
    )
    lifetime: Lifetime = Field(
        LIFETIME,
        description="How long its token is valid; any `fleet up` renews it in its last third.",
    )
    enabled: Flag = Field(True, description="Whether clusters are registered.")
    annotations: dict[AnnotationKey, AnnotationValue] = Field(
        default_factory=dict,
        description="Annotations of the Secret.",
        examples=[{"team": "payments"}],
    )


class ArgoCd(Tool):
    """Argo CD: a Secret cluster-NAME with the labels of the cluster."""

    namespace: Namespace = Field(
        ARGOCD_NAMESPACE, description="Its namespace there, created if it is missing."
    )


class Flux(Tool):
    """Flux: a Secret NAME-kubeconfig with the labels of the cluster."""

    namespace: Namespace = Field(
        FLUX_NAMESPACE, description="The namespace of its Kustomizations, created if it is missing."
    )


class HandOff(Strict):
    """The tools in which clusters are registered."""

    argocd: ArgoCd = Field(default_factory=ArgoCd, description="Registration in Argo CD.")
    flux: Flux = Field(default_factory=Flux, description="Registration in Flux.")
