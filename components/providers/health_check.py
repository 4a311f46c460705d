"""The health check of a cluster: the last step of an `up`, and read by `refresh`.

Create and update wait until every named Node is Ready, CoreDNS is available, and the probe pod on
every Node has resolved and reached a Service and was reached at its own address by those of the
other Nodes; Nodes of machines that the rollout skipped are not named. After the deadline they
report what is missing. Read checks once and records the result. Delete does nothing: a check owns
nothing.
"""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from components.providers.engine_log import warn
from ops.kube import cluster_health
from ops.kube.cluster_health import ClusterHealth
from ops.kube.identity import Identity, connect

CAUSES = ("nodes", "machine_ids", "rolled", "deadline_seconds", "identity")


class ClusterHealthCheckInputs(TypedDict):
    """The check as the provider gets it."""

    cluster: str
    identity: Identity
    nodes: list[str]
    machine_ids: list[str]
    rolled: str
    deadline_seconds: float


class ClusterHealthCheckState(ClusterHealthCheckInputs):
    """The check and its last result."""

    observed: ClusterHealth


class ClusterHealthCheckProvider(Provider[ClusterHealthCheckInputs, ClusterHealthCheckState]):
    """Waits until a cluster is healthy."""

    def _create(self, inputs: ClusterHealthCheckInputs) -> ClusterHealthCheckState:
        """Wait until the cluster is ready."""
        return _await_ready(inputs)

    def _diff(self, olds: ClusterHealthCheckState, news: ClusterHealthCheckInputs) -> DiffResult:
        """Check again when machines changed or the last check found something missing."""
        changes = changed(olds, news, CAUSES) or olds["observed"]["missing"]
        return DiffResult(changes=bool(changes))

    def _update(
        self, _olds: ClusterHealthCheckState, news: ClusterHealthCheckInputs
    ) -> ClusterHealthCheckState:
        """Wait again."""
        return _await_ready(news)

    def _read(self, state: ClusterHealthCheckState) -> ClusterHealthCheckState:
        """Check once, without waiting."""
        observed = cluster_health.check(connect(state["identity"]), state["nodes"])
        _warn(state, observed)
        return {**state, "observed": observed}


def _await_ready(inputs: ClusterHealthCheckInputs) -> ClusterHealthCheckState:
    observed = cluster_health.await_ready(
        connect(inputs["identity"]),
        inputs["cluster"],
        inputs["nodes"],
        inputs["deadline_seconds"],
    )
    _warn(inputs, observed)
    return {**inputs, "observed": observed}


def _warn(inputs: ClusterHealthCheckInputs, observed: ClusterHealth) -> None:
    for line in observed.get("warnings", ()):
        warn(f"{inputs['cluster']}: {line}")


@dataclass(frozen=True)
class ClusterHealthCheckArgs:
    """The Nodes that a cluster should have; new `machine_ids` or `rolled` check them again."""

    cluster: str
    identity: pulumi.Input[Identity]
    nodes: pulumi.Input[list[str]]
    machine_ids: pulumi.Input[list[str]]
    rolled: pulumi.Input[str]
    deadline_seconds: int


class ClusterHealthCheck(ProvidedResource, module="kubeadm-fleet", name="ClusterHealthCheck"):
    """A cluster as seen through its API: `observed` (`nodes`, `missing`)."""

    observed: pulumi.Output[ClusterHealth]

    def __init__(
        self, name: str, args: ClusterHealthCheckArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(ClusterHealthCheckProvider(), name, args, opts)
