"""Where images of pods may come from."""

from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_NAME
from model.config.field import ScalarField
from model.config.strict import NullOverrides, Strict

_SEGMENT = r"[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*"
Registry = Annotated[
    str,
    ScalarField(
        "a registry",
        "the host of a registry, with its port if it has one, and optionally a path in it; "
        "docker.io is that of images without one",
        "registry.example.com/team",
        # As in an image's name: without a dot or a port, the first part is a path on docker.io.
        pattern=rf"(?=[^/]*[.:]|localhost(/|$)){DNS_NAME}(:\d{{1,5}})?(/{_SEGMENT})*",
    ),
]


class Images(Strict):
    """Restrictions of images; system namespaces are exempt."""

    registries: Annotated[list[Registry] | None, NullOverrides()] = Field(
        None,
        description="Registries, or paths in them, that images of pods may come from; without it, "
        "any. Pods of kube-system and of the pod network are exempt.",
        examples=[["registry.example.com", "ghcr.io/example"]],
    )
