"""A rollout of a cluster without machines, which only records its changes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pulumi

from components.providers import rollout
from components.providers.base import ProvidedResource
from components.providers.hold import Hold
from components.providers.rollout import RolloutProvider
from components.providers.rollout_plan import RolloutInputs
from components.providers.rollout_work import RolloutState
from tests.ops.rollout.examples import inputs as example

# The example's CA is another one in every process.
SAME = {"issuer_key": "k1", "signers": {}}


def _roll(inputs: RolloutInputs, before: object) -> RolloutState:
    rolled = datetime.now(UTC).isoformat(timespec="seconds")
    return {**inputs, "found": {}, "rolled": rolled, "drift": {}, "unavailable": {}}


# Where providers run, this module is imported with its provider.
rollout._roll = _roll


class HeldProvider(RolloutProvider):
    """A new cluster changes nothing."""

    def _create(self, inputs: RolloutInputs) -> RolloutState:
        return {**inputs, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}

    def _id(self, state: RolloutState) -> str:
        return "held"


@dataclass(frozen=True)
class HeldArgs:
    version: str
    held_by: list[pulumi.Output[Hold]]


class Held(ProvidedResource, module="kubeadm-fleet", name="Held"):
    """What a `Rollout` has for outputs."""

    version: pulumi.Output[str]
    found: pulumi.Output[Any]
    rolled: pulumi.Output[str]
    drift: pulumi.Output[Any]
    unavailable: pulumi.Output[Any]
    waiting: pulumi.Output[Hold]

    def __init__(self, name: str, args: HeldArgs) -> None:
        known = {**example(version=args.version), **SAME, "waiting": None}
        further = {key: value for key, value in known.items() if key not in vars(args)}
        super().__init__(HeldProvider(), name, args, None, **further)
