"""The planned work per machine, in words for a preview.

It compares the recorded state with the desired one and adds the findings of the last refresh. It
makes no requests: a preview needs neither machines nor a cluster.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from model.scheduling import HARD_EFFECTS
from ops.rollout import actions, documents, node_rows
from ops.rollout.action_kind import Action, ActionKind
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import from_state, kinds_of, not_covered, to_state
from ops.rollout.observed import as_recorded
from ops.rollout.record import RolloutRecord

Drift = Mapping[str, Iterable[Mapping[str, str]]]

# What happens to the pods of a machine to be drained if no other machine has room for them.
STAY_ALONE = "not drained, as there is no other machine: its pods stay and keep running"
STAY = "drained, except for pods that no other machine can take, which stay and keep running"
GO_ALONE = "not drained, as there is no other machine: its pods are deleted and created again"
GO = "drained, pods that no other machine can take deleted"


def plan(change: ClusterChange, drift: Drift) -> dict[str, str]:
    """Return a sentence for each machine that will be touched; {} when none will be."""
    before, after = change.before, change.after
    stay = [machine for machine in before.workers if machine.name in after.by_name]
    sentences: dict[str, str] = {}
    replaced = sum(before.ids.get(known.name) != after.ids.get(known.name) for known in stay)
    turns = f"; {replaced} are replaced, at most maxUnavailable at a time" if replaced > 1 else ""
    for machine in after.machines:
        known = before.by_name.get(machine.name)
        if known is None:
            sentences[machine.name] = "added: a new machine joins"
        elif before.ids.get(machine.name) != after.ids[machine.name]:
            sentences[machine.name] = f"replaced: {_replacement(machine, before, after)}{turns}"
        else:
            parts = _sentences(known, machine, drift.get(machine.name, ()), change)
            if sentence := "; ".join(parts):
                sentences[machine.name] = sentence
    for machine in before.machines:
        if machine.name not in after.by_name:
            sentences[machine.name] = f"removed: {_departure(machine, after)}"
    return sentences


def with_unfinished(
    change: ClusterChange, drift: Drift, unfinished: RolloutRecord | None
) -> dict[str, list[Mapping[str, str]]]:
    """Return the drift with what an unfinished rollout left, which no inspection has found yet."""
    merged = {name: [*found] for name, found in drift.items()}
    if unfinished is None:
        return merged
    after = change.after
    kinds = [kind for kind in map(actions.named, unfinished.changes) if kind]
    for name in sorted(unfinished.unsettled(after.digest) & after.by_name.keys()):
        known = {action["kind"] for action in merged.get(name, ())}
        left = [
            Action(kind, unfinished.reason)
            for kind in kinds
            if kind.name not in known and (kind.on_workers or after.by_name[name].is_control_plane)
        ]
        merged[name] = [*merged.get(name, ()), *to_state(left)]
    first = merged.setdefault(after.control_planes[0].name, [])
    if node_rows.UNFINISHED.name not in {action["kind"] for action in first}:
        first += to_state([Action(node_rows.UNFINISHED, unfinished.summary)])
    return merged


def with_stopped(
    change: ClusterChange, drift: Drift, stopped: str
) -> dict[str, list[Mapping[str, str]]]:
    """Return the drift with an API server that does not run, "" if it does."""
    known = {name: [*found] for name, found in drift.items()}
    for plane in change.after.control_planes if stopped else ():
        if not known.get(plane.name):
            known[plane.name] = [*to_state([Action(node_rows.REPAIR, stopped)])]
    return known


def drains(change: ClusterChange, drift: Drift) -> dict[str, bool]:
    """Return the machines whose Nodes will be drained, and whether no pod stays there."""
    before, after = change.before, change.after
    drained: dict[str, bool] = {}
    for known in before.machines:
        machine = after.by_name.get(known.name)
        if machine is None or before.ids.get(known.name) != after.ids[known.name]:
            drained[known.name] = True
            continue
        kinds = _kinds(known, machine, drift.get(known.name, ()), change)
        if any(kind.drains for kind in kinds):
            drained[known.name] = any(kind.replaces_pods for kind in kinds)
    return drained


def _kinds(
    was: DesiredMachine,
    machine: DesiredMachine,
    drift: Iterable[Mapping[str, str]],
    change: ClusterChange,
) -> list[ActionKind]:
    planned = [kind for kind in actions.ACTIONS if [*_planned(kind, was, machine, change)]]
    return not_covered([*planned, *kinds_of(from_state(drift))])


def _sentences(
    was: DesiredMachine,
    machine: DesiredMachine,
    drift: Iterable[Mapping[str, str]],
    change: ClusterChange,
) -> Iterator[str]:
    """Describe the work caused by changed inputs, then the work caused by drift."""
    planned = {kind: [*_planned(kind, was, machine, change)] for kind in actions.ACTIONS}
    needed = [kind for kind, reasons in planned.items() if reasons]
    for kind in needed:
        pods = kind.restarted_pods(change) if kind.restarted_pods else ()
        yield f"{', '.join(planned[kind])}: {_how(kind, machine, change.after, pods)}"
    found = from_state(drift)
    rest = not_covered([*needed, *kinds_of(found)])
    for kind in kinds_of(found):
        if kind in rest and kind not in needed:
            reasons = " and ".join(action.why for action in found if action.kind is kind)
            yield f"repaired because {reasons}: {_how(kind, machine, change.after)}"


def _planned(
    kind: ActionKind, was: DesiredMachine, machine: DesiredMachine, change: ClusterChange
) -> Iterable[str]:
    if kind.planned is None:
        return kind.reasons(as_recorded(was), machine)
    return kind.planned(was, machine, change)


def _how(
    kind: ActionKind,
    machine: DesiredMachine,
    cluster: DesiredCluster,
    pods: Collection[str] = (),
) -> str:
    """Describe the effect on the machine, its pods and, on the only control plane, the API.

    `pods` are those of the control plane that are restarted, if that is known.
    """
    text = kind.effect
    if 0 < len(pods) < len(documents.PODS):
        text = f"{', '.join(pods)} restarted, one machine at a time"
    if machine.is_control_plane:
        text = kind.on_control_plane or text
        interrupts = not pods or {*pods} & {*documents.SERVING_PODS}
        if kind.api_seconds and interrupts and len(cluster.control_planes) == 1:
            text = f"{text} (the API is unavailable for about {kind.api_seconds} s)"
    if kind.drains:
        return f"{_drained(kind, machine, cluster)}{text}, uncordoned when Ready"
    return text


def _drained(kind: ActionKind, machine: DesiredMachine, cluster: DesiredCluster) -> str:
    if _have_room(machine, cluster):
        return "drained, "
    if len(cluster.machines) > 1:
        return f"{GO if kind.replaces_pods else STAY}; "
    return f"{GO_ALONE if kind.replaces_pods else STAY_ALONE}; "


def _replacement(machine: DesiredMachine, before: DesiredCluster, after: DesiredCluster) -> str:
    """Describe a replacement; the only control plane does not leave its cluster: that ends."""
    joins = "another machine joins in its place"
    if machine.is_control_plane and len(before.control_planes) == 1:
        return joins
    return f"{_departure(machine, after)}; {joins}"


def _departure(machine: DesiredMachine, cluster: DesiredCluster) -> str:
    pods = "" if _have_room(machine, cluster) else ", pods that no other machine can take deleted"
    member = ", its etcd member removed" if machine.is_control_plane else ""
    return f"drained{pods}, its Node deleted{member}"


def _have_room(machine: DesiredMachine, cluster: DesiredCluster) -> bool:
    """Whether another machine admits the pods that this machine's taints admit.

    Its pods tolerate its own taints, so a machine with no further taints admits them too. Other
    constraints that tie a pod to a machine (labels that it requires) are known only to the cluster.
    """
    return any(
        _hard_taints(other) <= _hard_taints(machine)
        for other in cluster.machines
        if other.name != machine.name
    )


def _hard_taints(machine: DesiredMachine) -> set[str]:
    return {taint for taint in machine.taints if taint.endswith(HARD_EFFECTS)}
