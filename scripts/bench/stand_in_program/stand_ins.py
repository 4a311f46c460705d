"""Providers that find everything as desired, without a host or a cluster.

Everything else of them is real: checks, diffs, and the shape of the state. A module of its own, so
that the engine's plugin imports it by name.
"""

import os
import time
from datetime import UTC, datetime
from typing import Any, cast

from components.providers import (
    aggregated_api,
    existing_host,
    health_check,
    manifests,
    rollout,
    step,
)
from components.providers.aggregated_api import (
    AggregatedApiInputs,
    AggregatedApiProvider,
    AggregatedApiState,
)
from components.providers.existing_host import OWNED, ExistingHostProvider
from components.providers.health_check import (
    ClusterHealthCheckInputs,
    ClusterHealthCheckProvider,
    ClusterHealthCheckState,
)
from components.providers.host_succession import ExistingHostState
from components.providers.host_visit import ExistingHostInputs, artifacts_of
from components.providers.manifests import ManifestsInputs, ManifestsProvider, ManifestsState
from components.providers.rollout import RolloutProvider
from components.providers.rollout_plan import RolloutInputs
from components.providers.rollout_work import RolloutState
from components.providers.step import StepInputs, StepProvider, StepState, state_of
from ops.errors import OperatorError
from ops.kube import apply
from ops.rollout.desired import DesiredCluster
from ops.rollout.observed import MachineSummary

# How long a rollout takes, in seconds.
ROLLOUT = "KUBEADM_FLEET_BENCH_ROLLOUT"
ARCH = "amd64"
FACTS = {
    "os": "Debian GNU/Linux 12 (bookworm)",
    "kernel": "6.1.0-37-cloud-amd64",
    "arch": ARCH,
    "cpus": 4,
    "memoryMiB": 8192,
}


class StandInHostProvider(ExistingHostProvider):
    """Enrolls a host that does not exist."""

    def _create(self, inputs: ExistingHostInputs) -> ExistingHostState:
        return cast(
            ExistingHostState,
            {
                **inputs,
                "machine_id": f"{abs(hash(inputs['machine'])):032x}"[-32:] + "-0123abcd",
                "facts": FACTS,
                "artifacts_digest": _digest(inputs),
                "condition": OWNED,
            },
        )


class StandInStepProvider(StepProvider):
    """Runs no script."""

    def _create(self, inputs: StepInputs) -> StepState:
        return state_of(inputs)


class StandInManifestsProvider(ManifestsProvider):
    """Applies objects to a cluster that does not exist."""

    def _create(self, inputs: ManifestsInputs) -> ManifestsState:
        applied = apply.references(inputs["documents"])
        return {**inputs, "applied": applied, "changed": "", "edited": []}


class StandInAggregatedApiProvider(AggregatedApiProvider):
    """Issues certificates, and registers no API."""

    def _create(self, inputs: AggregatedApiInputs) -> AggregatedApiState:
        return aggregated_api.state_of(inputs, aggregated_api.issue(inputs), "a digest")

    def _update(self, _olds: AggregatedApiState, news: AggregatedApiInputs) -> AggregatedApiState:
        return self._create(news)


class StandInRolloutProvider(RolloutProvider):
    """Finds every machine in its desired state, at the end of the time that a rollout takes."""

    def _create(self, inputs: RolloutInputs) -> RolloutState:
        found = {
            machine.name: _summary(machine.version, machine.is_control_plane)
            for machine in DesiredCluster.of(inputs).machines
        }
        return {**inputs, "found": found, "rolled": "", "drift": {}, "unavailable": {}}

    def _update(self, _olds: RolloutState, news: RolloutInputs) -> RolloutState:
        time.sleep(float(os.environ[ROLLOUT]))
        rolled = datetime.now(UTC).isoformat(timespec="seconds")
        return {**self._create(news), "rolled": rolled}


class StandInHealthCheckProvider(ClusterHealthCheckProvider):
    """Finds every Node Ready."""

    def _create(self, inputs: ClusterHealthCheckInputs) -> ClusterHealthCheckState:
        nodes: list[Any] = [
            {
                "name": name,
                "role": "worker",
                "version": "v1.36.3",
                "address": "172.20.10.10",
                "ready": True,
            }
            for name in inputs["nodes"]
        ]
        return {**inputs, "observed": {"nodes": nodes, "missing": []}}

    def _update(
        self, _olds: ClusterHealthCheckState, news: ClusterHealthCheckInputs
    ) -> ClusterHealthCheckState:
        return self._create(news)


def install() -> None:
    """Have the program's resources use these providers."""
    replaced: list[tuple[Any, str, type]] = [
        (existing_host, "ExistingHostProvider", StandInHostProvider),
        (step, "StepProvider", StandInStepProvider),
        (manifests, "ManifestsProvider", StandInManifestsProvider),
        (aggregated_api, "AggregatedApiProvider", StandInAggregatedApiProvider),
        (rollout, "RolloutProvider", StandInRolloutProvider),
        (health_check, "ClusterHealthCheckProvider", StandInHealthCheckProvider),
    ]
    for module, name, provider in replaced:
        setattr(module, name, provider)


def _digest(inputs: ExistingHostInputs) -> str:
    """Return the digest of the bundle, if there is one."""
    try:
        return artifacts_of(inputs, ARCH).digest
    except OperatorError:
        return ""


def _summary(version: str, is_control_plane: bool) -> MachineSummary:
    services = ("containerd", "kubelet", *(("haproxy", "keepalived") * is_control_plane))
    return {
        "reachable": True,
        "joined": True,
        "version": version,
        "services": dict.fromkeys(services, "active"),
        "node": "ready",
    }
