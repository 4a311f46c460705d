"""What a machine is like: what it says of itself, and what the API says of its Node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.kube.node import Node
from ops.rollout.desired import DesiredMachine

MISSING = "missing"


@dataclass(frozen=True)
class AppliedState:
    """What the machine noted when it was last brought to what was wanted; empty if it never was."""

    version: str = ""
    control: str = ""
    kubelet: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedMachine:
    """A machine as it was found; `unreachable` says why nothing is known of it, else it is empty.

    `files` are the sums of those that are watched, or "missing"; `services` what systemd says of
    them. `staged` are versions that wait beside the one that runs; `cleanup_pending`: nothing
    was removed yet after an upgrade, `is_registering` that its pods are still a former Node's.
    `bridge` is the address of its pods' bridge, `vtep` flannel's hardware address. While the API
    does not answer, `node` says nothing.
    """

    unreachable: str = ""
    is_member: bool = True
    version: str = ""
    is_interrupted: bool = False
    staged: tuple[str, ...] = ()
    cleanup_pending: bool = False
    is_registering: bool = False
    bridge: str = ""
    vtep: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    applied: AppliedState = AppliedState()
    node: Node | None = None
    api_answers: bool = True

    @property
    def is_ready(self) -> bool:
        """Whether it serves its cluster now."""
        return not self.unreachable and self.node is not None and self.node.ready

    @property
    def summary(self) -> dict[str, Any]:
        """What a person reads of it in the stack's state."""
        if self.unreachable:
            return {"reachable": False, "reason": self.unreachable, "node": self._standing}
        return {
            "reachable": True,
            "joined": self.is_member,
            "version": self.version,
            "services": dict(self.services),
            "node": self._standing,
            "files": dict(self.files),
        }

    @property
    def _standing(self) -> str:
        if not self.api_answers:
            return "unknown"
        if self.node is None:
            return MISSING
        return "ready" if self.node.ready else "not ready"


def as_recorded(machine: DesiredMachine) -> ObservedMachine:
    """Return a machine that is what its inputs said."""
    node = Node(
        ready=True,
        cordoned=False,
        labels=machine.labels,
        taints=machine.taints,
        our_labels=tuple(machine.labels),
        our_taints=machine.taints,
    )
    applied = AppliedState(machine.version, machine.control, machine.kubelet)
    return ObservedMachine(version=machine.version, applied=applied, node=node)


def parse(lines: Iterable[str]) -> ObservedMachine:
    """Read the lines of a key, a tab and a value that scripts/node/applied_state.sh prints."""
    known = dict(line.split("\t", 1) for line in lines if "\t" in line)
    if known.get("complete") != "yes":
        return ObservedMachine(unreachable="it did not answer everything that it was asked")
    return ObservedMachine(
        is_member=bool(known["member"]),
        version=known["kubelet"],
        is_interrupted=known["interrupted"] == "yes",
        staged=tuple(known["staged"].split()),
        cleanup_pending=known["cleanup_pending"] == "yes",
        is_registering=known["registering"] == "yes",
        bridge=known["bridge"],
        vtep=known["vtep"],
        services=_below("service:", known),
        files=_below("file:", known),
        applied=AppliedState(
            known.get("applied:version", ""),
            known.get("applied:control", ""),
            known.get("applied:kubelet", ""),
            _below("applied:service:", known),
            _below("applied:file:", known),
        ),
    )


def _below(prefix: str, known: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)
    }
