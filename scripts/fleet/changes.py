"""The changes of an engine run by cluster and machine, collected from its events."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ops.pulumi.events import Event, Message, Step, StepPhase
from ops.rollout import unavailable

CLUSTER = "kubeadm-fleet:cluster:Cluster"
FLEET = "kubeadm-fleet:fleet:Fleet"
MACHINE = "kubeadm-fleet:machine:Machine"
ROLLOUT = "pulumi-python:dynamic/kubeadm-fleet:Rollout"
# Resources that change or check a cluster without being part of it, and what a change of one is.
OPERATIONAL = {
    ROLLOUT: "its machines are inspected",
    "pulumi-python:dynamic/kubeadm-fleet:ClusterHealthCheck": "its health is checked",
}
STACK = "pulumi:pulumi:Stack"
# The output of a cluster that lists its security settings that are weaker than their defaults.
EXCEPTIONS = "exceptions"
# Messages of the engine about itself: true of every run, and not actionable.
NOISE = (
    *("update failed", "preview failed", "resource registration failed"),
    *("preview canceled", "update canceled", "refresh canceled", "destroy canceled"),
    "an unhandled error occurred: program exited with non-zero exit code",
)
# The beginning of what the engine says of an interrupted run, with advice that is not for `fleet`.
INTERRUPTED = "Attempting to deploy or update resources with"


class Change(StrEnum):
    """The change of a cluster, a machine or a resource, the most important first."""

    FAILED = "failed"
    REPLACED = "replaced"
    REMOVED = "removed"
    CREATED = "created"
    CHANGED = "changed"


OPERATIONS = {
    "create": Change.CREATED,
    "import": Change.CREATED,
    "update": Change.CHANGED,
    "delete": Change.REMOVED,
    "replace": Change.REPLACED,
    "create-replacement": Change.REPLACED,
    "delete-replaced": Change.REPLACED,
}


# Some are not: no other machine can take their pods.
DRAINED = re.compile(r"(?<!not )\bdrained\b")


@dataclass
class Subject:
    """A cluster or a machine, and the changes of its resources."""

    name: str
    resources: dict[str, Change] = field(default_factory=dict)
    operational: dict[str, str] = field(default_factory=dict)
    own_change: Change | None = None
    sentence: str = ""

    def record(self, step: Step, change: Change) -> None:
        """Record a change of one of its resources; a failure is kept."""
        self.resources[step.name] = min(change, self.resources.get(step.name, change), key=_rank)
        if step.type in OPERATIONAL:
            self.operational[step.name] = OPERATIONAL[step.type]

    @property
    def change(self) -> Change | None:
        """Its overall change; a machine is replaced when the resource of its name is."""
        changes = set(self.resources.values())
        if Change.FAILED in changes:
            return Change.FAILED
        if self.resources.get(self.name) is Change.REPLACED:
            return Change.REPLACED
        if self.own_change is not None:
            return self.own_change
        return Change.CHANGED if changes or self.sentence else None

    @property
    def is_drained(self) -> bool:
        """Whether its Node is drained now, and not only when it is available again."""
        is_skipped = self.sentence.startswith(unavailable.UNAVAILABLE)
        return bool(DRAINED.search(self.sentence)) and not is_skipped

    @property
    def parts(self) -> list[str]:
        """Its changed resources, without its own name as a prefix."""
        shown = (name for name in self.resources if name not in {self.name, *self.operational})
        return [name.removeprefix(f"{self.name}-") for name in shown]


@dataclass
class ClusterChanges(Subject):
    """A cluster with its machines; `drain_seconds` is the limit for each drain, 0 if unknown.

    `weakened` are security settings that become weaker than their defaults, `restored` those that
    no longer are.
    """

    machines: dict[str, Subject] = field(default_factory=dict)
    drain_seconds: float = 0
    weakened: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)

    @property
    def change(self) -> Change | None:
        """Its overall change, including its machines' changes."""
        of_machines = [machine.change for machine in self.machines.values()]
        if Change.FAILED in of_machines:
            return Change.FAILED
        own = super().change
        return Change.CHANGED if own is None and any(of_machines) else own


def _rank(change: Change) -> int:
    return list(Change).index(change)


class Changes:
    """All changes of a run; complete once `finish` was called.

    Destroyed resources are reported before their parents, so no step can be assigned until the end.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, ClusterChanges] = {}
        self.fleet = Subject("fleet")
        self.errors: list[Message] = []
        self.warnings: list[Message] = []
        self.counts = dict.fromkeys(Change, 0)
        self.unchanged = 0
        self._parents: dict[str, str] = {}
        self._types: dict[str, str] = {}
        self._refreshed: set[str] = set()
        self._steps: list[Step] = []
        self._seen: set[str] = set()
        self._counted: dict[str, Change | None] = {}

    @property
    def any(self) -> bool:
        """Whether anything changes."""
        return any(self.counts.values())

    def process(self, events: Iterable[Event]) -> None:
        """Process events."""
        for event in events:
            if isinstance(event, Step):
                self._parents[event.urn] = event.parent
                self._types[event.urn] = event.type
                # On a large fleet, the inputs of all resources together would take too much memory.
                self._steps.append(event if event.type == ROLLOUT else _slim(event))
            elif isinstance(event, Message):
                self._message(event)

    def finish(self) -> None:
        """Assign every step to its subject, and count."""
        for step in self._steps:
            if step.type != STACK and not step.is_provider:
                self._step(step)
        for error in self.errors:
            subject = self.subject(error.urn)
            if subject is not self.fleet:
                subject.resources[error.urn.rpartition("::")[2]] = Change.FAILED
        changes = list(self._counted.values())
        self.counts = {change: changes.count(change) for change in Change}
        self.unchanged = changes.count(None)

    def subject(self, urn: str) -> Subject:
        """Return the machine, or otherwise the cluster, that a resource belongs to."""
        path = list(self._ancestry(urn))
        names = {self._types.get(step, ""): step.rpartition("::")[2] for step in reversed(path)}
        if CLUSTER not in names:
            return self._by_name(urn.rpartition("::")[2]) or self.fleet
        cluster = self.clusters.setdefault(names[CLUSTER], ClusterChanges(names[CLUSTER]))
        if MACHINE not in names:
            return cluster
        return cluster.machines.setdefault(names[MACHINE], Subject(names[MACHINE]))

    def _by_name(self, name: str) -> Subject | None:
        """Return the subject of a resource that was rejected before its parent was known."""
        subjects: dict[str, Subject] = dict(self.clusters)
        for cluster in self.clusters.values():
            subjects |= cluster.machines
        owners = [owner for owner in subjects if name.startswith(f"{owner}-")]
        return subjects[max(owners, key=len)] if owners else None

    def _ancestry(self, urn: str) -> Iterator[str]:
        while urn:
            yield urn
            urn = self._parents.get(urn, "")

    def _step(self, step: Step) -> None:
        # A refresh reports a change that it finds as an update or a deletion.
        if step.op == "refresh" and step.phase is StepPhase.STARTED:
            self._refreshed.add(step.urn)
        change = Change.FAILED if step.phase is StepPhase.FAILED else OPERATIONS.get(step.op)
        before = self._counted.get(step.urn)
        if before is None or (change is not None and _rank(change) < _rank(before)):
            self._counted[step.urn] = change
        if step.type == ROLLOUT and step.op != "delete":
            self._plan(step)
        subject = self.subject(step.urn)
        if isinstance(subject, ClusterChanges) and step.type == CLUSTER:
            _note_exceptions(subject, step)
        if change is None:
            return
        if step.type in (FLEET, CLUSTER, MACHINE):
            subject.own_change = change
        elif step.custom:
            subject.record(step, change)

    def _plan(self, step: Step) -> None:
        """Extract the rollout's sentences for its machines."""
        cluster = self.clusters.setdefault(
            str(step.inputs.get("cluster")), ClusterChanges(str(step.inputs.get("cluster")))
        )
        sentences: dict[str, str] = dict(step.inputs.get("plan") or {})
        cluster.drain_seconds = (step.inputs.get("policy") or {}).get("drain_seconds", 0)
        if step.urn in self._refreshed:
            if step.phase is not StepPhase.DONE:
                return
            drift: dict[str, list[dict[str, Any]]] = step.outputs.get("drift") or {}
            sentences = {
                name: f"drifted: {' and '.join(action['why'] for action in actions)}"
                for name, actions in drift.items()
            }
            sentences |= _unavailable(step.outputs)
        elif step.op not in ("create", "update", "replace", "create-replacement"):
            return
        else:
            skipped = step.outputs if step.phase is StepPhase.DONE else step.former
            sentences |= _unavailable(skipped)
        for name, sentence in sentences.items():
            cluster.machines.setdefault(name, Subject(name)).sentence = sentence

    def _message(self, message: Message) -> None:
        text = clean(message.text)
        if message.severity not in ("error", "warning") or not text or text.startswith(NOISE):
            return
        if text.startswith(INTERRUPTED):
            text = _interrupted(text)
        if text in self._seen:
            return
        self._seen.add(text)
        messages = self.errors if message.severity == "error" else self.warnings
        messages.append(Message(message.urn, message.severity, text))


def _slim(step: Step) -> Step:
    """Return a step with only what is read of it; of a component, its exceptions are."""
    kept = [
        {EXCEPTIONS: values[EXCEPTIONS]} if EXCEPTIONS in values else {}
        for values in (step.outputs, step.former)
    ]
    return replace(step, inputs={}, outputs=kept[0], former=kept[1])


def _note_exceptions(cluster: ClusterChanges, step: Step) -> None:
    """Note which security settings this run weakens or restores, if the step says it."""
    if step.op == "delete" or EXCEPTIONS not in step.outputs:
        return
    new, former = step.outputs[EXCEPTIONS], step.former.get(EXCEPTIONS, [])
    cluster.weakened = [line for line in new if line not in former]
    cluster.restored = [line for line in former if line not in new]


def _interrupted(text: str) -> str:
    """Return in our words which resources an earlier run left unfinished."""
    lines = (line.strip() for line in text.splitlines())
    urns = (line.partition(",")[0] for line in lines if line.startswith("* urn:"))
    names = ", ".join(dict.fromkeys(urn.rpartition("::")[2] for urn in urns))
    return (
        f"an earlier run was interrupted while it changed {names}; that is safe: `fleet up` does "
        "it again, and `fleet refresh` removes this notice"
    )


def _unavailable(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return a sentence for each machine that a rollout skipped."""
    skipped = outputs.get("unavailable") or {}
    return {name: unavailable.sentence(machine) for name, machine in skipped.items()}


_CLASS = re.compile(r"^(?:error: )?(?:Exception calling application: )?(?:[a-z_]\w*\.)+[A-Z]\w*: ")


def clean(text: str) -> str:
    """Return a message for the user: no traceback, no class name and no code of this program."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    for number, line in enumerate(lines):
        if line.strip().startswith("Traceback (most recent call last)"):
            end = next(
                (
                    later
                    for later in range(number + 1, len(lines))
                    if lines[later] and not lines[later].startswith(" ")
                ),
                len(lines) - 1,
            )
            lines[number:end] = []
            break
    return _CLASS.sub("", "\n".join(lines).strip())
