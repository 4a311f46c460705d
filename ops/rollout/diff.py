"""What must be done to one machine: what was found compared with what is wanted."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_interface

from ops.kube.node import Node
from ops.rollout.desired import DesiredMachine
from ops.rollout.observed import MISSING, ObservedMachine

RUNNING = ("active", "activating", "reloading")
ALWAYS = ("containerd", "kubelet")


class ActionKind(StrEnum):
    """What is done to a machine, the deepest first."""

    UPGRADE = "upgrade"
    REPAIR = "repair"
    CONTROL = "control"
    KUBELET = "kubelet"
    REGISTER = "register"
    UNCORDON = "uncordon"
    MARKS = "marks"
    CLEAN = "clean"


@dataclass(frozen=True)
class Action:
    """One thing to be done, and why, as a person reads it."""

    kind: ActionKind
    why: str


def required_actions(found: ObservedMachine, wanted: DesiredMachine) -> list[Action]:
    """Return what must be done to the machine; nothing of one that cannot be reached."""
    if found.unreachable:
        return []
    return [
        *_version(found, wanted),
        *_settings(found, wanted),
        *_files(found),
        *_running(found),
        *_node(found, wanted),
        *_former(found, wanted),
    ]


def _version(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[Action]:
    if found.version != wanted.version:
        # Who has been brought to this version already has had its program exchanged since.
        kind = ActionKind.REPAIR if found.applied.version == wanted.version else ActionKind.UPGRADE
        said = f"the kubelet is {found.version or 'no program'} instead of {wanted.version}"
        yield Action(kind, said)


def _settings(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[Action]:
    if wanted.is_control_plane and found.applied.control != wanted.control:
        yield Action(ActionKind.CONTROL, "the control plane's settings are others now")
    if found.applied.kubelet != wanted.kubelet:
        yield Action(ActionKind.KUBELET, "the kubelet's settings are others now")


def _files(found: ObservedMachine) -> Iterator[Action]:
    if found.is_interrupted:
        yield Action(ActionKind.REPAIR, "an earlier change of it was interrupted")
        return
    for path, total in found.applied.files.items():
        now = found.files.get(path, MISSING)
        if now != total:
            did = "is gone" if now == MISSING else "appeared" if total == MISSING else "was changed"
            yield Action(ActionKind.REPAIR, f"{path} {did}")


def _running(found: ObservedMachine) -> Iterator[Action]:
    for name, state in found.services.items():
        # Those of a virtual address run on some machines only.
        ran = found.applied.services.get(name) in RUNNING or name in ALWAYS
        if ran and state not in RUNNING:
            yield Action(ActionKind.REPAIR, f"{name} is {state}")


def _node(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[Action]:
    if not found.api_answers:
        return
    if found.node is None:
        yield Action(ActionKind.REGISTER, "its Node is gone")
    elif why := _foreign_network(found, found.node):
        yield Action(ActionKind.REGISTER, why)
    if found.node is not None and found.node.cordoned:
        yield Action(ActionKind.UNCORDON, "an earlier run left it cordoned")
    yield from _marks(found.node, wanted)


def _foreign_network(found: ObservedMachine, node: Node) -> str:
    """Say why its pods are not where the cluster looks for them; "" where they are.

    A Node that was deleted and registered again, or that a restored snapshot holds otherwise, has
    another share of the pod subnet than its machine. What is not there yet is no sign of that.
    """
    if found.is_registering:
        return "its registration was interrupted"
    former = "its pod network is that of a former registration"
    if found.bridge and node.pod_cidr and str(ip_interface(found.bridge).network) != node.pod_cidr:
        return f"{former}: cni0 has {found.bridge}, the Node's share is {node.pod_cidr}"
    if found.vtep and found.vtep != node.vtep:
        known = f"the Node says {node.vtep}" if node.vtep else "the Node does not say so"
        return f"{former}: flannel.1 has {found.vtep}, {known}"
    return ""


def _marks(node: Node | None, wanted: DesiredMachine) -> Iterator[Action]:
    if node is None:
        return
    for key, value in wanted.labels.items():
        if node.labels.get(key) != value:
            was = f"is {node.labels[key]}" if key in node.labels else "is missing"
            yield Action(ActionKind.MARKS, f"label {key}={value} {was}")
    for key in node.our_labels:
        if key in node.labels and key not in wanted.labels:
            yield Action(ActionKind.MARKS, f"label {key} is no longer wanted")
    for taint in wanted.taints:
        if taint not in node.taints:
            yield Action(ActionKind.MARKS, f"taint {taint} is missing")
    for taint in node.our_taints:
        if taint in node.taints and taint not in wanted.taints:
            yield Action(ActionKind.MARKS, f"taint {taint} is no longer wanted")


def _former(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[Action]:
    """What is there of other versions; nothing while the machine runs another one itself."""
    if found.version != wanted.version:
        return
    for version in found.staged:
        if version != wanted.version:
            yield Action(ActionKind.CLEAN, f"{version} is staged there and not wanted")
    if found.cleanup_pending:
        yield Action(ActionKind.CLEAN, "what it ran before its upgrade is still there")
