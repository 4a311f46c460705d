"""A wave of clusters that got a change first, watched before the next wave gets it.

Create and update watch the clusters until the soak time has passed since the last machine of theirs
was touched; a cluster that is not healthy then, or for longer than a machine takes to come back,
stops the waves. Clusters that nobody touched are looked at once. Delete does nothing.
"""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.errors import OperatorError

POLL_SECONDS = 2
# How long a cluster may be unwell: a machine that restarts is, and a rollout that has just ended
# leaves pods that are still starting.
PATIENCE_SECONDS = 60
CAUSES = ("clusters", "rolled", "soak_seconds", "kubeconfigs")


class WaveProvider(Provider):
    """Watches the clusters of a wave."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Watch them."""
        return CreateResult(id_=uuid4().hex, outs=_soak(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Watch again when a machine of theirs was touched, or when others are in the wave."""
        return DiffResult(changes=any(olds[key] != news[key] for key in CAUSES))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Watch them."""
        return UpdateResult(outs=_soak(news))


def _soak(props: dict[str, Any]) -> dict[str, Any]:
    """Return once all clusters are healthy and the soak time is over."""
    well_since = time.monotonic()
    until = soaked_at(props["rolled"], props["soak_seconds"])
    while True:
        sick = [
            reason
            for name, kubeconfig in zip(props["clusters"], props["kubeconfigs"], strict=True)
            if (reason := _unhealthy_reason(name, kubeconfig))
        ]
        if not sick:
            well_since = time.monotonic()
            if datetime.now(UTC) >= until:
                return {**props, "healthy": True}
        elif time.monotonic() - well_since > PATIENCE_SECONDS:
            reasons = "\n  ".join(sick)
            raise OperatorError(
                f"the wave stops here; later clusters were not touched:\n  {reasons}\n"
                "Mend what is named and run `pulumi up` again: it watches again, then goes on."
            )
        time.sleep(POLL_SECONDS)


def soaked_at(rolled: list[str], soak_seconds: float) -> datetime:
    """Return when the soak time is over, given when each cluster was last touched ("" = never)."""
    touched = [datetime.fromisoformat(each).timestamp() for each in rolled if each]
    return datetime.fromtimestamp(max(touched) + soak_seconds if touched else 0, UTC)


def _unhealthy_reason(name: str, kubeconfig: str) -> str:
    from ops.kube.nodes import Nodes

    nodes = Nodes(kubeconfig).read()
    if nodes is None:
        return f"{name}: its API does not answer"
    late = [node for node, found in nodes.items() if not found.ready]
    return f"{name}: Nodes {', '.join(late)} are not Ready" if late else ""


class Wave(Resource, module="kubeadm-fleet", name="Wave"):
    """Clusters that are changed before others: `healthy` once they have shown that they are."""

    healthy: pulumi.Output[bool]

    def __init__(
        self,
        name: str,
        *,
        clusters: list[str],
        rolled: list[pulumi.Output[str]],
        kubeconfigs: list[pulumi.Output[str]],
        soak_seconds: int,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__(
            WaveProvider(),
            name,
            {
                "clusters": clusters,
                "rolled": rolled,
                "kubeconfigs": pulumi.Output.secret(pulumi.Output.all(*kubeconfigs)),
                "soak_seconds": soak_seconds,
                "healthy": None,
            },
            opts,
        )
