"""What will be done to which machine and how, in words for a preview.

It compares what was recorded with what is wanted and adds what the last refresh found. It asks
nobody: a preview needs neither machines nor a cluster.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ops.kube.placement import HARD_EFFECTS
from ops.rollout import documents
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import ActionKind

Drift = Mapping[str, Iterable[Mapping[str, str]]]

# How each kind of change reaches a machine.
HOW = {
    ActionKind.REPAIR: "put right in place, what uses it restarted",
    ActionKind.CONTROL: "its control-plane pods restarted, one machine at a time",
    ActionKind.KUBELET: "kubelet restarted, pods keep running",
    ActionKind.REGISTER: "pod network reset, kubelet restarted, its pods replaced",
    ActionKind.UNCORDON: "uncordoned when Ready",
    ActionKind.MARKS: "in place",
    ActionKind.CLEAN: "removed, nothing restarted",
}
EGRESS = {
    "proxy": "containerd restarted, containers go on",
    "registry mirror": "in place",
}
# What becomes of the pods on a machine that is to be emptied, where others have no room for them.
STAY_ALONE = "not drained, as there is no other machine: its pods stay and keep running"
STAY = "drained, except that pods which no other machine can take stay and keep running"


def plan(olds: Mapping[str, Any] | None, news: Mapping[str, Any], drift: Drift) -> dict[str, str]:
    """Return a sentence for each machine that will be touched; {} when none will be.

    `olds` and `news` are the rollout's inputs of the last and of this run; without `olds` the
    cluster is new, and there is nothing to roll out.
    """
    if not olds:
        return {}
    before, after = DesiredCluster.of(olds), DesiredCluster.of(news)
    settings = _Settings(before, after)
    egress = list(_egress(olds.get("egress", {}), news["egress"]))
    sentences: dict[str, str] = {}
    for machine in after.machines:
        known = before.by_name.get(machine.name)
        if known is None:
            sentences[machine.name] = "added: a new machine joins"
        elif before.ids.get(machine.name) != after.ids[machine.name]:
            lost = "" if _have_room(machine, after) else "; pods that only it can take are deleted"
            sentences[machine.name] = f"replaced: another machine joins in its place{lost}"
        else:
            parts = [
                *egress,
                *_recorded(known, machine, settings, after),
                *_drifted(_pending(drift.get(machine.name, ()), known, machine), machine, after),
            ]
            if parts:
                sentences[machine.name] = "; ".join(parts)
    for machine in before.machines:
        if machine.name not in after.by_name:
            sentences[machine.name] = _removal(machine, after)
    return sentences


def _egress(known: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """What the step that prepares a machine does on one that runs, before the rollout."""
    for what, how in EGRESS.items():
        if known.get(what, "") != wanted[what]:
            yield f"another {what}: {how}"


class _Settings:
    """Which keys of the two documents changed."""

    def __init__(self, before: DesiredCluster, after: DesiredCluster) -> None:
        self.control = documents.changed_keys(before.cluster_document, after.cluster_document)
        self.kubelet = documents.changed_keys(before.kubelet_document, after.kubelet_document)


def _recorded(
    known: DesiredMachine, machine: DesiredMachine, settings: _Settings, cluster: DesiredCluster
) -> Iterator[str]:
    if known.version != machine.version:
        how = _upgrade(machine, cluster)
        yield f"upgraded from {known.version} to {machine.version}: {how}"
    if known.control != machine.control:
        yield f"new settings ({', '.join(settings.control)}): {HOW[ActionKind.CONTROL]}"
    if known.kubelet != machine.kubelet:
        yield f"new kubelet settings ({', '.join(settings.kubelet)}): {HOW[ActionKind.KUBELET]}"
    marks = [*_labels(known, machine), *_taints(known, machine)]
    if marks:
        yield f"{', '.join(marks)}: {HOW[ActionKind.MARKS]}"


def _labels(known: DesiredMachine, machine: DesiredMachine) -> Iterator[str]:
    for key, value in machine.labels.items():
        if known.labels.get(key) != value:
            yield f"label {key}={value}"
    for key in known.labels:
        if key not in machine.labels:
            yield f"label {key} removed"


def _taints(known: DesiredMachine, machine: DesiredMachine) -> Iterator[str]:
    for taint in machine.taints:
        if taint not in known.taints:
            yield f"taint {taint}"
    for taint in known.taints:
        if taint not in machine.taints:
            yield f"taint {taint} removed"


def _pending(
    found: Iterable[Mapping[str, str]], known: DesiredMachine, machine: DesiredMachine
) -> Iterator[Mapping[str, str]]:
    """What an upgrade does not do anyway: what is staged is for it, and it cleans up in the end."""
    upgraded = known.version != machine.version
    return (each for each in found if not (upgraded and each["kind"] == ActionKind.CLEAN))


def _drifted(
    found: Iterable[Mapping[str, str]], machine: DesiredMachine, cluster: DesiredCluster
) -> Iterator[str]:
    by_kind: dict[ActionKind, list[str]] = {}
    for each in found:
        by_kind.setdefault(ActionKind(each["kind"]), []).append(each["why"])
    for kind, reasons in by_kind.items():
        how = _upgrade(machine, cluster) if kind == ActionKind.UPGRADE else HOW[kind]
        yield f"repaired because {' and '.join(reasons)}: {how}"


def _upgrade(machine: DesiredMachine, cluster: DesiredCluster) -> str:
    """What an upgrade does to the machine, its pods and, on the only control plane, the API."""
    emptied = "drained"
    if not _have_room(machine, cluster):
        emptied = STAY if len(cluster.machines) > 1 else STAY_ALONE
    restarted = "kubelet restarted"
    if machine.is_control_plane:
        restarted = f"its control-plane pods and {restarted}"
        if len(cluster.control_planes) == 1:
            restarted = f"{restarted} (the API is unavailable for 10 to 30 s)"
    joint = ", " if emptied == "drained" else "; "
    return f"{emptied}{joint}{restarted}, uncordoned when Ready"


def _removal(machine: DesiredMachine, cluster: DesiredCluster) -> str:
    pods = "" if _have_room(machine, cluster) else ", pods that no other machine can take deleted"
    member = ", its etcd member removed" if machine.is_control_plane else ""
    return f"removed: drained{pods}, its Node deleted{member}"


def _have_room(machine: DesiredMachine, cluster: DesiredCluster) -> bool:
    """Whether another machine takes what the taints of this one let in.

    Its pods tolerate its own taints, so that one with no others takes them too. What else ties a
    pod to a machine (labels that it asks for) only the cluster knows.
    """
    return any(
        _hard_taints(each) <= _hard_taints(machine)
        for each in cluster.machines
        if each.name != machine.name
    )


def _hard_taints(machine: DesiredMachine) -> set[str]:
    return {each for each in machine.taints if each.endswith(HARD_EFFECTS)}
