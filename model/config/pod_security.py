"""Pod Security: what pods may do in namespaces that do not say it themselves."""

from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_LABEL
from model.config.field import ScalarField, one_of
from model.config.strict import Strict
from model.security import BASELINE, LEVELS, RESTRICTED

Level = Annotated[str, one_of("level of the Pod Security Standards", LEVELS, BASELINE)]
Namespace = Annotated[
    str, ScalarField("a namespace", "the name of a namespace", "storage", pattern=DNS_LABEL)
]


class PodSecurity(Strict):
    """Levels of the Pod Security Standards, for namespaces without labels of their own."""

    enforce: Level = Field(BASELINE, description="Pods that exceed it are rejected.")
    audit: Level = Field(RESTRICTED, description="Pods that exceed it are marked in the audit log.")
    warn: Level = Field(RESTRICTED, description="Who creates pods that exceed it is warned.")
    exempt_namespaces: list[Namespace] = Field(
        default_factory=list,
        description="Namespaces that are exempt from all levels, in addition to kube-system and "
        "those of the pod network.",
        examples=[["storage"]],
    )
