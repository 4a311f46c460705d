"""A rollout of a cluster that has no machines: what it would change, it only records."""

from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers import rollout
from components.providers.rollout import RolloutProvider
from tests.ops.rollout.examples import inputs


def _roll(props: dict[str, Any], are_new_settled: bool) -> dict[str, Any]:
    rolled = datetime.now(UTC).isoformat(timespec="seconds")
    return {**props, "found": {}, "rolled": rolled, "drift": {}}


# Where providers run, this module is imported with its provider.
rollout._roll = _roll


class HeldProvider(RolloutProvider):
    """A new cluster changes nothing."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(id_="held", outs={**props, "found": {}, "rolled": "", "drift": {}})


class Held(Resource, module="kubeadm-fleet", name="Held"):
    """What a `Rollout` has for outputs."""

    version: pulumi.Output[str]
    rolled: pulumi.Output[str]
    waiting: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, *, version: str, held_by: list[pulumi.Output[dict[str, Any]]]
    ) -> None:
        outputs = {"waiting": None, "found": None, "rolled": None, "drift": None}
        props = {**inputs(version=version), "held_by": held_by, **outputs}
        super().__init__(HeldProvider(), name, props)
