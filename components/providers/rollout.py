"""The rollout of a cluster: its machines' desired state, reached in a safe order.

Create finds machines that were just created from the same documents and records their state. Update
brings every machine to its desired state: control planes serially, workers a few at a time. It
always begins with an inspection, so a killed run is simply resumed. Read inspects again; any
difference from the desired state is drift, which the next preview shows and the next `up` fixes. A
machine that cannot be reached is recorded as unreachable and never treated as anything else; a
worker of this kind does not stop the change of the others (`unavailable`): its own is pending, and
every later run tries again. Delete does nothing: the machines leave by themselves.

While an earlier wave holds the cluster, a change of running machines waits: check keeps the inputs
that were applied last, so that the next run compares with them again; update changes no machine and
records only `waiting`, the hold that it waits for. Meanwhile the change is judged by `wanted`. When
an earlier wave fails, not even that is recorded. In a new cluster nothing has to wait.

A rollout that failed or was killed is recorded in its cluster (ops/rollout/record.py). The engine
compares with the inputs of the last successful run, so that a change that was begun and then
reverted is none to it; therefore check reads that record, with one short request. A rollout that is
`unfinished` is a change, and `recorded` is the version that the cluster then has.

`plan` is a sentence for each machine that will be touched, with what its drain deletes permanently.
It is meant for the preview and never causes a change by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import DiffResult, ReadResult

from components.providers import hold, rollout_rotation
from components.providers.base import ProvidedResource, Provider
from components.providers.engine_log import EngineLog, own_urn, this_run
from components.providers.hold import Hold
from components.providers.rollout_plan import (
    Policy,
    RecordedRollout,
    RolloutInputs,
    drain_limit,
    nodes_of,
    planned,
    recorded_rollout,
    stays,
)
from components.providers.rollout_work import (
    RolloutState,
    is_due,
    judged,
    planned_now,
    require_judgeable,
    wanted,
)
from model.pki.certificates import KeyPair, KeyPairProps
from ops.hosts.login import Login, LoginProps
from ops.kube.identity import Identity
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster
from ops.rollout.inputs import EncryptionInputs, MachineInputs
from ops.rollout.observed import MachineSummary
from ops.rollout.unavailable import Unavailable

if TYPE_CHECKING:
    from ops.rollout.node_operations import NodeOperations
    from ops.rollout.observed import ObservedMachine
    from ops.rollout.progress import Progress

OUTPUTS = ("found", "rolled", "unavailable")


class RolloutProvider(Provider[RolloutInputs, RolloutState]):
    """Keeps a running cluster's machines in their desired state."""

    given = ("authority", "client_authorities", "trust", "api_server_secrets")

    def _check(self, olds: RolloutInputs, news: RolloutInputs) -> RolloutInputs:
        """Add the planned work per machine to the inputs, for the preview."""
        require_judgeable(news)
        held = hold.strongest(news["held_by"])
        # Without former inputs the cluster is new, and there is nothing to roll out.
        seen = recorded_rollout(olds) if olds else RecordedRollout()
        sentences = planned(olds, news, seen) if olds else {}
        waits = any(stays(olds, news, machine) for machine in sentences)
        waiting: Hold = held if waits else {}
        return {
            **(olds if waiting else news),
            "held_by": news["held_by"],
            "waiting": waiting,
            "wanted": wanted(news) if waiting else {},
            "plan": sentences,
            "unfinished": seen.summary,
            "recorded": seen.version,
        }

    def _create(self, inputs: RolloutInputs) -> RolloutState:
        """Record the machines' state; bring one that differs to the desired state."""
        return _roll(inputs, {})

    def _diff(self, olds: RolloutState, news: RolloutInputs) -> DiffResult:
        """Compare with the recorded and observed state; reject unsafe changes."""
        from ops.rollout.guards import reject_moved_hosts, reject_unsafe

        require_judgeable(news)
        waiting = news["waiting"]
        change = ClusterChange.of(olds, judged(news))
        reject_moved_hosts(change, this_run().hosts)
        reject_unsafe(change, olds["found"], news["recorded"])
        rollout_rotation.reject(olds, news, change)
        if hold.is_stopped(waiting):
            return DiffResult(changes=False)
        changes = bool(waiting or olds.get("waiting")) or is_due(olds, news)
        sentences = news["plan"] if waiting else planned_now(olds, news)
        if changes and (waiting or sentences):
            lines = [f"  {name}: {text}" for name, text in sorted(sentences.items())]
            lines += drain_limit(news, sentences)
            _progress(news).say("\n".join([hold.heading(waiting), *lines]))
        return DiffResult(changes=changes)

    def _update(self, olds: RolloutState, news: RolloutInputs) -> RolloutState:
        """Bring every machine to its desired state; reject what a diff could not check."""
        from ops.rollout.guards import reject_unsafe

        if news["waiting"] or not is_due(olds, news):
            return {
                **olds,
                "held_by": news["held_by"],
                "waiting": news["waiting"],
                "wanted": news["wanted"],
                "plan": news["plan"],
            }
        change = ClusterChange.of(olds, news)
        reject_unsafe(change, olds["found"], news["recorded"])
        rollout_rotation.settle(olds, news, change, _progress(news).say)
        state = _roll(news, olds["unavailable"])
        return {**state, "rolled": state["rolled"] or olds["rolled"]}

    def _read(self, state: RolloutState) -> RolloutState:
        """Inspect every machine once, without waiting."""
        from ops.rollout import unavailable
        from ops.rollout.diff import to_state
        from ops.rollout.inspection import find_drift, inspect_cluster

        cluster, nodes = DesiredCluster.of(state), nodes_of(state)
        found = inspect_cluster(_machines(state), nodes)
        _warn(state, found)
        left = find_drift(cluster, found, nodes)
        drift = {name: to_state(actions) for name, actions in left.items()}
        before = state["unavailable"]
        workers = [worker.name for worker in cluster.workers]
        skipped = unavailable.still(before, found, workers)
        return {
            **state,
            "found": _summaries(found),
            "drift": drift,
            "unavailable": unavailable.entries(skipped, found, {}, before),
        }

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the state; the next check gets the drift as a former input."""
        result = super().read(id_, props)
        assert result.outs is not None
        result.inputs = {key: value for key, value in result.outs.items() if key not in OUTPUTS}
        return result


def _roll(inputs: RolloutInputs, before: Mapping[str, Unavailable]) -> RolloutState:
    """Do the remaining work; `before` are the workers that the last run skipped."""
    from model.limits import Limits
    from ops.rollout import unavailable
    from ops.rollout.order import RolloutRun

    policy = inputs["policy"]
    progress = _progress(inputs)
    nodes = nodes_of(inputs)
    rollout = RolloutRun(
        DesiredCluster.of(inputs),
        _machines(inputs),
        nodes,
        progress,
        limits=Limits.read(policy["max_unavailable"], policy["pool_limits"]),
    )
    found = rollout.run()
    rolled = datetime.now(UTC).isoformat(timespec="seconds") if rollout.changed else ""
    pending = {**inputs["plan"], **rollout.state.pending}
    skipped = unavailable.entries(rollout.state.skipped, found, pending, before)
    unavailable.annotate(nodes, found, skipped)
    if skipped:
        progress.warn(unavailable.report(inputs["cluster"], skipped))
    _warn(inputs, found)
    return {
        **inputs,
        "found": _summaries(found),
        "rolled": rolled,
        "drift": {},
        "unfinished": "",
        "unavailable": skipped,
    }


def _machines(inputs: RolloutInputs) -> "dict[str, NodeOperations]":
    from ops.rollout.node_operations import node_operations

    logins = {
        name: Login.from_props({**inputs["shared_login"], **own})
        for name, own in inputs["logins"].items()
    }
    authority = KeyPair(**inputs["authority"]) if "authority" in inputs else None
    return node_operations(
        DesiredCluster.of(inputs), logins, authority, trust=inputs.get("trust", {})
    )


def _summaries(found: "Mapping[str, ObservedMachine]") -> dict[str, MachineSummary]:
    return {name: machine.summary for name, machine in found.items()}


def _warn(inputs: RolloutInputs, found: "Mapping[str, ObservedMachine]") -> None:
    from ops.rollout import renewals

    for sentence in renewals.warnings(found):
        _progress(inputs).warn(sentence)


def _progress(inputs: RolloutInputs) -> "Progress":
    from ops.rollout.progress import Progress

    return Progress(EngineLog(inputs["urn"]))


@dataclass(frozen=True)
class RolloutArgs:
    """A cluster's desired machines; IDs by machine, `held_by` by earlier wave.

    `people` are those whose certificates API servers accept.
    `shared_login` is what all logins have in common, `logins` the rest of each by machine.
    `plugin` is what connects pods, as the CNI configuration is named.
    `issuer_key` identifies the key of the cluster's CA, `signers` those of all CAs. `rotations` are
    the phases under way, `trusted` digests of what they make machines `trust`, by role.
    `api_server_secrets`, `secrets_digest`, `encryption`, `writer` and `encryption_keys` are those
    of components/api_server_secrets.py.
    """

    cluster: str
    version: str
    cluster_document: str
    kubelet_document: str
    patches: str
    machines: dict[str, MachineInputs]
    machine_ids: dict[str, pulumi.Output[str]]
    shared_login: pulumi.Output[LoginProps]
    logins: pulumi.Output[dict[str, LoginProps]]
    identity: pulumi.Output[Identity]
    authority: pulumi.Output[KeyPairProps]
    policy: Policy
    held_by: list[pulumi.Output[Hold]]
    mirror_credentials: pulumi.Output[str] | None
    security_updates: str
    supplements: list[str]
    plugin: str
    issuer_key: pulumi.Output[str]
    serving_seconds: float
    client_file: pulumi.Output[str]
    client_set: pulumi.Output[str]
    client_authorities: pulumi.Output[str]
    people: list[str]
    rotations: dict[str, str]
    acknowledged: str
    immediate: str
    trust: pulumi.Output[dict[str, str]]
    trusted: pulumi.Output[dict[str, str]]
    signers: pulumi.Output[dict[str, str]]
    api_server_secrets: pulumi.Output[str]
    secrets_digest: pulumi.Output[str]
    encryption: EncryptionInputs
    writer: pulumi.Output[str]
    encryption_keys: pulumi.Output[float]
    front_proxy_set: pulumi.Output[str]


class Rollout(ProvidedResource, module="kubeadm-fleet", name="Rollout"):
    """A cluster's desired machines; `found` (each machine's state), `rolled` (the last change).

    `waiting` is the hold of an earlier wave that a change waits for; empty if none. `unavailable`
    are the workers that were skipped, by name, and `rotations` the phases that machines are in.
    """

    found: pulumi.Output[dict[str, MachineSummary]]
    rolled: pulumi.Output[str]
    drift: pulumi.Output[dict[str, list[Mapping[str, str]]]]
    waiting: pulumi.Output[Hold]
    rotations: pulumi.Output[dict[str, str]]
    unavailable: pulumi.Output[dict[str, Unavailable]]

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(
            RolloutProvider(),
            name,
            args,
            opts,
            urn=own_urn(Rollout, name, opts),
            shared_login=pulumi.Output.secret(args.shared_login),
            logins=pulumi.Output.secret(args.logins),
        )
