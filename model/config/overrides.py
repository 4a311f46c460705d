"""Overrides: settings of the clusters that a selector matches, between the fleet's and their own.

Their keys are those that a fleet gives its clusters as defaults: what `FleetConfig` and
`ClusterConfig` both have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from model.config.authentication import Authentication
from model.config.certificates import Certificates
from model.config.components import KubernetesComponents
from model.config.field import Flag
from model.config.hand_off import HandOff
from model.config.machines import Machines
from model.config.networking import Networks
from model.config.proxy_and_mirrors import OutboundAccess
from model.config.security import Security
from model.config.strict import Atomic, Strict
from model.config.upgrades import RolloutStrategy, Selector, label_selector
from model.config.version_name import VersionName

KEY = "overrides"


class Override(KubernetesComponents, OutboundAccess):
    """Settings of some clusters: they override the fleet's, and those of earlier entries."""

    selector: Selector = Field(
        description="Label selector of the clusters that have these settings, in kubectl's form "
        "or as a mapping of labels.",
        examples=["environment=prod,region in (tokyo,osaka)"],
    )
    kubernetes_version: VersionName | None = Field(
        None, description="Their Kubernetes version, unless they set their own."
    )
    metrics_server: Flag | None = Field(None, description="Run metrics-server in them.")
    protect: Flag | None = Field(None, description="Reject deleting their machines and CAs.")
    machines: Machines = Field(default_factory=Machines, description="Their machine settings.")
    networks: Networks = Field(
        default_factory=Networks, description="Consent to overlapping networks of theirs."
    )
    certificates: Certificates = Field(
        default_factory=Certificates, description="Lifetimes of their certificates."
    )
    authentication: Authentication = Field(
        default_factory=Authentication, description="The issuers of tokens that they accept."
    )
    security: Security = Field(default_factory=Security, description="Their security.")
    hand_off: HandOff = Field(
        default_factory=HandOff, description="The tools in which they are registered."
    )
    upgrades: RolloutStrategy = Field(
        default_factory=RolloutStrategy, description="Their rollout speed."
    )

    @property
    def sets(self) -> tuple[str, ...]:
        """The config keys of what it sets; `{}` sets nothing, except where it stands for "none"."""
        return tuple(
            str(type(self).model_fields[name].alias)
            for name in type(self).model_fields
            if name in self.model_fields_set
            and name != "selector"
            and _sets_something(getattr(self, name))
        )


def matching(
    overrides: Sequence[Override], labels: Mapping[str, str]
) -> Iterator[tuple[int, Override]]:
    """Yield the overrides that match a cluster's labels, each with its index, in config order."""
    for index, override in enumerate(overrides):
        if label_selector(override.selector).matches(labels):
            yield index, override


def _sets_something(value: Any) -> bool:
    if isinstance(value, Strict) and not isinstance(value, Atomic):
        return any(_sets_something(getattr(value, name)) for name in value.model_fields_set)
    return bool(value != {})
