"""The rollout of a cluster: what its machines should be, and how they become so in a safe order.

Create finds machines that have just been made from the same documents and notes what they are like.
Update brings every machine to what is wanted: control planes one by one, workers a few at a time.
It always begins with a survey, so that a run that was killed is simply gone on with. Read surveys
again; what differs from what is wanted is drift, which the next preview shows and the next `up`
mends. A machine that cannot be reached is noted as such and never taken for anything else. Delete
does nothing: the machines leave by themselves.

While an earlier wave holds the cluster, a change of machines that run waits: check keeps the inputs
that were applied last, so that the next run compares with them again; update changes no machine and
records only `waiting`, what it waits for. `wanted` is what the change is judged by meanwhile. A new
cluster has nothing that could wait.

`plan` is a sentence for each machine that will be touched. It is there to be read in a preview; it
is no reason for a change.
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

# What a change of is something to be done; the policy only says how.
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
# What check adds to the inputs or keeps of them, also while they wait.
DERIVED = ("held_by", "waiting", "wanted", "plan")
# What plans and refusals are made of, besides the machines' ids: an unknown id is a new machine.
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
    """Keeps the machines of a running cluster what they should be."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Put what will be done to which machine into the inputs, for the preview."""
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
        """Note what the machines are like; one that differs is brought to what is wanted."""
        return CreateResult(id_=uuid4().hex, outs=_roll(props, _joined_as_wanted(props)))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare with what was recorded and found; refuse what is not safe."""
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
        """Bring every machine to what is wanted; refuse what a diff could not judge."""
        from ops.rollout.guards import reject_unsafe

        if news["waiting"] or not _is_due(olds, news):
            return UpdateResult(outs={**olds, **{key: news[key] for key in DERIVED}})
        reject_unsafe(olds, news)
        documents = ("cluster_document", "kubelet_document")
        same = all(olds[key] == news[key] for key in documents)
        outs = _roll(news, same)
        return UpdateResult(outs={**outs, "rolled": outs["rolled"] or olds["rolled"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Survey every machine once, without waiting."""
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
    """Whether something is to be done: another input, or drift that was found."""
    return any(olds.get(key) != news[key] for key in CAUSES) or bool(olds.get("drift"))


def _stays(olds: Mapping[str, Any], news: Mapping[str, Any], machine: str) -> bool:
    """Whether a machine that is touched runs before and after: others come and go at once."""
    before = olds["machine_ids"].get(machine)
    return before is not None and bool(before == news["machine_ids"].get(machine))


def _hold(held_by: Any) -> dict[str, Any]:
    """Return the hold that lasts longest; in a preview, one that is not known yet is none."""
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
    """Do what is left; `are_new_settled`: machines without a note have joined as is wanted."""
    from ops.rollout.executor import RolloutRun

    rollout = RolloutRun.of(props, _progress(props))
    found = rollout.run(record_initial=are_new_settled)
    rolled = datetime.now(UTC).isoformat(timespec="seconds") if rollout.changed else ""
    return {**props, "found": _summaries(found), "rolled": rolled, "drift": {}}


def _joined_as_wanted(props: Mapping[str, Any]) -> bool:
    """Whether machines that join now get the settings that are wanted."""
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
    """What a cluster's machines should be; `found` (each of them), `rolled` (when one changed).

    `waiting` is the hold of an earlier wave that a change waits for; it is empty when none does.
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
    """The rollout's own name for the engine, to which it tells its progress.

    As an ordinary output of the parent it would make the rollout wait for all of the parent's
    children, of which it is one.
    """
    urn = pulumi.create_urn(name, f"pulumi-python:{Rollout._resource_type_name}", parent)
    return pulumi.Output(set(), urn.future(), urn.is_known())  # type: ignore[arg-type]
