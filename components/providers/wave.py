"""A wave of clusters that are changed first: later waves wait until it has stayed healthy.

Create and update check the clusters and record the hold for later waves: the soak time since the
last change of a machine or an object, or since a Node became Ready again, must be over. Workers
that their rollout skipped (`unavailable`) say nothing about the change and do not count. A cluster
that is unhealthy for longer than a machine takes to recover is an error, and nothing changes in
later waves. No call lasts for the soak time: until it is over the wave is left alone, and the first
run after it checks again. Clusters that were never changed hold no other. Delete does nothing.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from components.providers.hold import Hold
from ops.errors import OperatorError
from ops.interruption import stop_before
from ops.kube.identity import Identity, connect

if TYPE_CHECKING:
    from ops.kube.node import Node

POLL_SECONDS = 2
# How long a cluster may be unhealthy: while a machine restarts it is, and pods may still be
# starting just after a rollout.
PATIENCE_SECONDS = 60
CAUSES = ("clusters", "rolled", "soak_seconds", "identities", "unavailable")


class WaveInputs(TypedDict):
    """The wave as the provider gets it."""

    clusters: list[str]
    rolled: list[str]
    identities: list[Identity]
    unavailable: list[list[str]]
    soak_seconds: float


class WaveState(WaveInputs):
    """The wave as it was found."""

    hold: Hold


class WaveProvider(Provider[WaveInputs, WaveState]):
    """Checks the clusters of a wave."""

    def _create(self, inputs: WaveInputs) -> WaveState:
        """Check the clusters."""
        return _observe(inputs)

    def _diff(self, olds: WaveState, news: WaveInputs) -> DiffResult:
        """Check again when a cluster changed, the wave's members changed, or the soak is over."""
        return DiffResult(changes=bool(changed(olds, news, CAUSES)) or _is_over(olds["hold"]))

    def _update(self, _olds: WaveState, news: WaveInputs) -> WaveState:
        """Check the clusters."""
        return _observe(news)


def _observe(inputs: WaveInputs) -> WaveState:
    """Return the state once all clusters are healthy."""
    since = _await_healthy(inputs)
    until = since + timedelta(seconds=inputs["soak_seconds"]) if since else None
    if until is None or until <= datetime.now(UTC):
        return {**inputs, "hold": {}}
    hold: Hold = {"until": until.isoformat(timespec="seconds"), "for": inputs["clusters"]}
    return {**inputs, "hold": hold}


def _is_over(hold: Hold) -> bool:
    return bool(hold) and datetime.fromisoformat(hold["until"]) <= datetime.now(UTC)


def _await_healthy(inputs: WaveInputs) -> datetime | None:
    """Return since when the changed clusters are healthy; None if none was changed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        nodes = [
            _without(_read_nodes(identity), skipped)
            for identity, skipped in zip(inputs["identities"], inputs["unavailable"], strict=True)
        ]
        reasons = [
            reason
            for name, found in zip(inputs["clusters"], nodes, strict=True)
            if (reason := _unhealthy_reason(name, found))
        ]
        if not reasons:
            return _healthy_since(inputs["rolled"], nodes)
        if time.monotonic() > deadline:
            listed = "\n  ".join(reasons)
            raise OperatorError(
                f"the rollout stops at this wave; later clusters were not changed:\n  {listed}\n"
                "Fix the problems above and run `fleet up` again: it checks again, then continues."
            )
        stop_before("the clusters of later waves are changed")
        time.sleep(POLL_SECONDS)


def _read_nodes(identity: Identity) -> "dict[str, Node] | None":
    from ops.kube.nodes import Nodes

    return Nodes(connect(identity)).read()


def _without(nodes: "dict[str, Node] | None", skipped: list[str]) -> "dict[str, Node] | None":
    return nodes and {name: node for name, node in nodes.items() if name not in skipped}


def _unhealthy_reason(name: str, nodes: "dict[str, Node] | None") -> str:
    if nodes is None:
        return f"{name}: its API is unavailable"
    late = [node for node, found in nodes.items() if not found.ready]
    return f"{name}: Nodes {', '.join(late)} are not Ready" if late else ""


def _healthy_since(
    rolled: Iterable[str], nodes: "Iterable[dict[str, Node] | None]"
) -> datetime | None:
    """Return the last change of a cluster ("" = never), or the last recovery of its Node.

    A Node of a changed cluster that was not Ready for a while restarts the soak.
    """
    moments = [
        moment
        for changed, found in zip(rolled, nodes, strict=True)
        if changed
        for moment in (changed, *(node.ready_since for node in (found or {}).values()))
        if moment
    ]
    return max(map(datetime.fromisoformat, moments), default=None)


@dataclass(frozen=True)
class WaveArgs:
    """Clusters with the last change (`rolled`), the identity and the unavailable workers in each.

    All are in the same order.
    """

    clusters: list[str]
    rolled: list[pulumi.Output[str]]
    identities: list[pulumi.Output[Identity]]
    unavailable: list[pulumi.Output[list[str]]]
    soak_seconds: int


class Wave(ProvidedResource, module="kubeadm-fleet", name="Wave"):
    """Clusters that are changed before others; `hold` is what later waves wait for."""

    hold: pulumi.Output[Hold]

    def __init__(
        self, name: str, args: WaveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(WaveProvider(), name, args, opts)
