"""What `fleet status` says of the objects that a run applied: edited, deleted, not applied yet.

They have a label (model/object_drift/mark.py), by which one list for each kind has them all,
whatever else a cluster has. What a list does not have is requested by its name: the label may be
gone, or the object was applied by an earlier version of the program.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from model.api_objects import Json
from model.object_drift.declaration import DeclaredObject
from model.object_drift.judgement import ObjectDrift, State, judged, judged_missing
from model.object_drift.kinds import KINDS
from model.object_drift.mark import LABEL
from model.object_drift.text import sentence
from model.object_drift.titles import title
from model.status.condition import Condition, Ready, Severity
from ops import fan_out
from ops.kube import unreachable
from ops.kube.client import Client, unless_missing
from ops.kube.host_status import REPAIRED
from ops.kube.resources import DEFAULT_NAMESPACE, path_of

# Of many clusters, each is read by few threads.
READERS = 4
ADVICE = {
    State.EDITED: REPAIRED,
    State.ADDED: "`fleet up` leaves what others add: remove it with `kubectl edit`",
    State.ADMITTED: "an admission webhook of the cluster changes what `fleet up` applies",
    State.NOT_APPLIED: "not applied yet: what is declared is newer than what was applied; "
    "`fleet up` applies it",
    State.DELETED: f"was deleted: {REPAIRED}",
    State.MISSING: f"is missing: it was deleted, or never applied; {REPAIRED}",
}
REASONS = {
    State.EDITED: "ObjectEdited",
    State.ADDED: "ObjectExtended",
    State.ADMITTED: "ObjectAdmitted",
    State.NOT_APPLIED: "ObjectNotApplied",
    State.DELETED: "ObjectDeleted",
    State.MISSING: "ObjectMissing",
}
INFORMATION = (State.ADMITTED, State.NOT_APPLIED)
# An object's apiVersion, kind, namespace and name.
Key = tuple[str, str, str, str]
Kind = tuple[str, str]


@dataclass
class _Live:
    """What a cluster has, by key, and the kinds that could not be read, with the reason."""

    objects: dict[Key, Json] = field(default_factory=dict)
    unread: dict[Kind, str] = field(default_factory=dict)


def read(
    client: Client, cluster: str, declared: Sequence[DeclaredObject], seconds: float
) -> list[Condition]:
    """Compare the objects of a cluster with those that are declared; return within `seconds`."""
    live = _live(client, declared, seconds)
    by_resource: dict[str, list[Json]] = {}
    for each in declared:
        if found := live.objects.get(_key(each.document)):
            by_resource.setdefault(each.mark.siblings, []).append(found)
    conditions = []
    for each in declared:
        if _kind(each.document) in live.unread:
            continue
        found = live.objects.get(_key(each.document))
        drifts = (
            judged(each.document, each.mark, found)
            if found
            else [judged_missing(each.mark, by_resource.get(each.mark.siblings, ()))]
        )
        conditions += [_condition(cluster, each, drift) for drift in drifts]
    return [*conditions, *_unread(cluster, live)]


def _live(client: Client, declared: Sequence[DeclaredObject], seconds: float) -> _Live:
    kinds = list(dict.fromkeys(_kind(each.document) for each in declared))
    wanted = {_key(each.document) for each in declared}
    live = _Live()
    share = seconds / 2
    limited = client.limited(seconds=share)

    def listed(kind: Kind) -> list[tuple[Key, Json]]:
        path = path_of(kind[0], KINDS[kind].plural)
        keep = partial(_with_key, kind)
        return [
            pair for pair in limited.reduced(path, keep, labelSelector=LABEL) if pair[0] in wanted
        ]

    def found(key: Key) -> list[tuple[Key, Json]]:
        entry = limited.find(_path(key))
        return [(key, entry)] if entry else []

    _gather(live, kinds, listed, lambda kind: kind, share)
    left = [key for key in wanted - live.objects.keys() if key[:2] not in live.unread]
    _gather(live, left, found, lambda key: key[:2], share)
    return live


def _gather(
    live: _Live,
    questions: Sequence[Any],
    ask: Callable[[Any], list[tuple[Key, Json]]],
    kind_of: Callable[[Any], Kind],
    seconds: float,
) -> None:
    def call(question: Any) -> list[tuple[Key, Json]]:
        return unless_missing(lambda: ask(question)) or []

    for answer in fan_out.ask(questions, call, seconds, parallel=READERS):
        if answer.value is not None:
            live.objects.update(answer.value)
        elif answer.error is not None:
            live.unread.setdefault(kind_of(answer.target), unreachable.summary(answer.error))


def _with_key(kind: Kind, entry: Json) -> tuple[Key, Json]:
    # The entries of a list do not say what they are.
    metadata = entry["metadata"]
    return (*kind, metadata.get("namespace", ""), metadata["name"]), entry


def _kind(document: Any) -> Kind:
    return document["apiVersion"], document["kind"]


def _key(document: Any) -> Key:
    metadata = document["metadata"]
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    inside = namespace if KINDS[_kind(document)].is_namespaced else ""
    return (*_kind(document), inside, metadata["name"])


def _path(key: Key) -> str:
    version, kind, namespace, name = key
    return path_of(version, KINDS[version, kind].plural, namespace, name)


def _condition(cluster: str, declared: DeclaredObject, drift: ObjectDrift) -> Condition:
    severity = Severity.INFO if drift.state in INFORMATION else Severity.WARNING
    advice = ADVICE[drift.state]
    # Objects that are not applied yet are named in one row.
    is_named = (drift.fields or drift.loss) and drift.state is not State.NOT_APPLIED
    return Condition(
        cluster=cluster,
        kind="object",
        name=title(declared.document),
        severity=severity,
        reason=REASONS[drift.state],
        since=drift.since,
        message=f"{sentence(drift)}: {advice}" if is_named else advice,
    )


def _unread(cluster: str, live: _Live) -> Iterator[Condition]:
    """Yield a condition for each reason why kinds of objects were not read."""
    by_reason: dict[str, list[str]] = {}
    for (_, kind), reason in live.unread.items():
        by_reason.setdefault(reason, []).append(kind)
    for reason, kinds in by_reason.items():
        yield unknown(cluster, f"its objects ({_names(kinds)}) could not be read: {reason}")


def _names(kinds: Iterable[str]) -> str:
    return ", ".join(sorted(kinds))


def unknown(cluster: str, message: str) -> Condition:
    """Return the condition of objects that were not compared; that is no problem."""
    return Condition(
        cluster=cluster,
        severity=Severity.INFO,
        ready=Ready.UNKNOWN,
        reason="ObjectsUnknown",
        message=message,
    )
