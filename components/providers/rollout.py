"""The rollout of a cluster: its machines' desired state, reached in a safe order.

Create finds machines that were just created from the same documents and records their state. Update
brings every machine to its desired state: control planes serially, workers a few at a time. It
always begins with an inspection, so a killed run is simply resumed. Read inspects again; any
difference from the desired state is drift, which the next preview shows and the next `up` fixes. A
machine that cannot be reached is recorded as unreachable and never treated as anything else. Delete
does nothing: the machines leave by themselves.

While an earlier wave holds the cluster, a change of running machines waits: check keeps the inputs
that were applied last, so that the next run compares with them again; update changes no machine and
records only `waiting`, the hold that it waits for. Meanwhile the change is judged by `wanted`. In a
new cluster nothing has to wait.

`plan` is a sentence for each machine that will be touched. It is meant for the preview and never
causes a change by itself.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import (
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    UpdateResult,
)
from pulumi.runtime.rpc import contains_unknowns

from components.providers.base import NotKnown, Provider, require_known
from components.providers.engine_log import EngineLog

if TYPE_CHECKING:
    from ops.rollout.observed import ObservedMachine
    from ops.rollout.progress import Progress

# Inputs whose change requires work; the policy only controls how it is done.
CAUSES = (
    "version",
    "cluster_document",
    "kubelet_document",
    "egress",
    "machines",
    "machine_ids",
    "kubeconfig",
    "logins",
)
OUTPUTS = ("found", "rolled")
# Inputs that check adds or keeps, also while they wait.
DERIVED = ("held_by", "waiting", "wanted", "plan")
# Inputs of plans and refusals, besides the machines' IDs: an unknown ID is a new machine.
JUDGED = (
    "urn",
    "cluster",
    "version",
    "cluster_document",
    "kubelet_document",
    "egress",
    "machines",
)


class RolloutProvider(Provider):
    """Keeps a running cluster's machines in their desired state."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Add the planned work per machine to the inputs, for the preview."""
        from ops.rollout.preview import plan

        _require_judgeable(news)
        hold = _hold(news["held_by"])
        sentences = plan(olds, news, olds.get("drift", {}))
        waiting = hold if any(_stays(olds, news, machine) for machine in sentences) else {}
        derived = {
            "held_by": news["held_by"],
            "waiting": waiting,
            "wanted": {key: news[key] for key in (*JUDGED, "machine_ids")} if waiting else {},
            "plan": sentences,
        }
        return CheckResult({**(olds if waiting else news), **derived}, [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Record the machines' state; bring one that differs to the desired state."""
        return CreateResult(id_=uuid4().hex, outs=_roll(props, _joined_as_wanted(props)))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare with the recorded and observed state; refuse unsafe changes."""
        from ops.rollout.guards import reject_unsafe

        _require_judgeable(news)
        waiting = news["waiting"]
        reject_unsafe(olds, news["wanted"] or news)
        changed = bool(waiting or olds.get("waiting")) or _is_due(olds, news)
        if changed and (waiting or news["plan"]):
            lines = [f"  {name}: {text}" for name, text in sorted(news["plan"].items())]
            _progress(news).say("\n".join([_heading(waiting), *lines]))
        return DiffResult(changes=changed)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Bring every machine to its desired state; refuse what a diff could not judge."""
        from ops.rollout.guards import reject_unsafe

        if news["waiting"] or not _is_due(olds, news):
            return UpdateResult(outs={**olds, **{key: news[key] for key in DERIVED}})
        reject_unsafe(olds, news)
        documents = ("cluster_document", "kubelet_document")
        same = all(olds[key] == news[key] for key in documents)
        outs = _roll(news, same)
        return UpdateResult(outs={**outs, "rolled": outs["rolled"] or olds["rolled"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Inspect every machine once, without waiting."""
        from ops.rollout.cluster_nodes import ClusterNodes
        from ops.rollout.diff import required_actions, to_state
        from ops.rollout.inspection import inspect_cluster
        from ops.rollout.node_operations import node_operations

        machines = node_operations(props)
        found = inspect_cluster(machines, ClusterNodes.from_props(props))
        drift = {
            name: to_state(left)
            for name, machine in machines.items()
            if (left := required_actions(found[name], machine.wanted))
        }
        outs = {**props, "found": _summaries(found), "drift": drift}
        inputs = {key: value for key, value in outs.items() if key not in OUTPUTS}
        return ReadResult(id_=id_, outs=outs, inputs=inputs)


def _require_judgeable(news: dict[str, Any]) -> None:
    require_known(news, JUDGED)
    if not isinstance(news["machine_ids"], Mapping):
        raise NotKnown("machine_ids")


def _is_due(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether there is work to do: changed inputs, or drift that was found."""
    return any(olds.get(key) != news[key] for key in CAUSES) or bool(olds.get("drift"))


def _stays(olds: Mapping[str, Any], news: Mapping[str, Any], machine: str) -> bool:
    """Whether a touched machine runs before and after; others are created or deleted at once."""
    before = olds["machine_ids"].get(machine)
    return before is not None and bool(before == news["machine_ids"].get(machine))


def _hold(held_by: Any) -> dict[str, Any]:
    """Return the hold that lasts longest; in a preview, an unknown hold counts as none."""
    holds = held_by if isinstance(held_by, list) else []
    known = [each for each in holds if each and not contains_unknowns(each)]
    return max(known, key=lambda each: datetime.fromisoformat(each["until"]), default={})


def _heading(waiting: Mapping[str, Any]) -> str:
    if not waiting:
        return "what will be done:"
    until = datetime.fromisoformat(waiting["until"])
    return (
        f"waits until {until:%Y-%m-%d %H:%M:%S} UTC, as long as {', '.join(waiting['for'])} must "
        "stay healthy; `up` will then continue with:"
    )


def _roll(props: dict[str, Any], are_new_settled: bool) -> dict[str, Any]:
    """Do the remaining work; `are_new_settled`: machines without a record joined as desired."""
    from ops.rollout.executor import RolloutRun

    rollout = RolloutRun.of(props, _progress(props))
    found = rollout.run(record_initial=are_new_settled)
    rolled = datetime.now(UTC).isoformat(timespec="seconds") if rollout.changed else ""
    return {**props, "found": _summaries(found), "rolled": rolled, "drift": {}}


def _joined_as_wanted(props: Mapping[str, Any]) -> bool:
    """Whether machines that join now get the desired settings."""
    from ops.rollout.cluster_nodes import ClusterNodes
    from ops.rollout.documents import is_part_of

    nodes = ClusterNodes.from_props(props)
    return is_part_of(props["cluster_document"], nodes.cluster_document()) and is_part_of(
        props["kubelet_document"], nodes.kubelet_document()
    )


def _summaries(found: "Mapping[str, ObservedMachine]") -> dict[str, Any]:
    return {name: each.summary for name, each in found.items()}


def _progress(props: Mapping[str, Any]) -> "Progress":
    from ops.rollout.progress import Progress

    return Progress(EngineLog(props["urn"]))


class Rollout(Resource, module="kubeadm-fleet", name="Rollout"):
    """A cluster's desired machines; `found` (each machine's state), `rolled` (the last change).

    `waiting` is the hold of an earlier wave that a change waits for; empty if none.
    """

    found: pulumi.Output[dict[str, Any]]
    rolled: pulumi.Output[str]
    plan: pulumi.Output[dict[str, str]]
    drift: pulumi.Output[dict[str, Any]]
    waiting: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        version: str,
        cluster_document: str,
        kubelet_document: str,
        outbound: dict[str, str],
        machines: dict[str, dict[str, Any]],
        machine_ids: dict[str, pulumi.Input[str]],
        logins: dict[str, dict[str, Any]],
        kubeconfig: pulumi.Input[str],
        policy: dict[str, Any],
        held_by: list[pulumi.Output[dict[str, Any]]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        assert opts.parent is not None
        super().__init__(
            RolloutProvider(),
            name,
            {
                "urn": _urn(name, opts.parent),
                "cluster": cluster,
                "version": version,
                "cluster_document": cluster_document,
                "kubelet_document": kubelet_document,
                "egress": outbound,
                "machines": machines,
                "machine_ids": machine_ids,
                "logins": pulumi.Output.secret(pulumi.Output.from_input(logins)),
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "policy": policy,
                "held_by": held_by,
                "waiting": None,
                "found": None,
                "rolled": None,
                "drift": None,
            },
            opts,
        )


def _urn(name: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The rollout's own URN, under which it reports its progress to the engine.

    As an ordinary output of the parent it would make the rollout wait for all of the parent's
    children, of which it is one.
    """
    urn = pulumi.create_urn(name, f"pulumi-python:{Rollout._resource_type_name}", parent)
    return pulumi.Output(set(), urn.future(), urn.is_known())  # type: ignore[arg-type]
