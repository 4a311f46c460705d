"""Fields of an object that were ours when it was applied, and are not any more.

Who changes or removes a field takes it from the managers that had it, and the time of these stays
as it was. An object's mark has a digest of the fields that were ours: whoever has the object can
tell that one was lost, without the document. Fields that others only add change nothing of ours.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from itertools import combinations
from typing import Any

from model.api_objects import Object
from model.object_drift.mark import LABEL, Mark, digest, mark_of
from model.object_drift.owners import APPLY, Manager, managers

PROGRAM = "kubeadm-fleet"
# Whoever scales a workload writes to this subresource.
SCALE, REPLICAS = "scale", "spec.replicas"
_REPLICAS = ("f:spec", "f:replicas")
# What says nothing of who edits an object.
_BESIDES = {
    ("f:metadata", "f:labels", f"f:{LABEL}"),
    ("f:metadata", "f:annotations", "f:kubectl.kubernetes.io/last-applied-configuration"),
}
# So many fields are tried whether they are the ones, alone and together.
TRIED, TRIED_TOGETHER = 100, 8

Fields = Mapping[str, Any]
# The keys of a set of fields that lead to one.
_Steps = tuple[str, ...]


@dataclass(frozen=True)
class Loss:
    """What was lost, and who wrote since.

    `fields` are those; unless it `is_certain`, they are what others wrote since, and what was lost
    is among them or was removed. `is_whole`: no field of the object is ours.
    """

    fields: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    since: datetime | None = None
    is_certain: bool = True
    is_whole: bool = False


@dataclass(frozen=True)
class _Taken:
    """A field of somebody who wrote after us."""

    steps: _Steps
    manager: Manager


def completed(mark: Mark, applied: Object) -> Mark:
    """Return a mark with what is known of the fields of an object that was just applied."""
    own = _own(applied)
    return replace(mark, fields=digest(own[1]) if own else "")


def lost(live: Object) -> Loss | None:
    """Return what was lost of an object; None if nothing was, or if its mark does not say so."""
    wanted = mark_of(live).fields
    if not wanted:
        return None
    own = _own(live)
    fields = own[1] if own else {}
    # Replicas that were scaled are somebody else's: the object may have had them, or not.
    bases = [fields, _with(fields, _REPLICAS)] if _is_scaled(live) else [fields]
    if any(digest(each) == wanted for each in bases):
        return None
    taken = list(_taken(live, own[0].time if own else None, fields))
    # What is said about an object matters less than what is in it.
    taken.sort(key=lambda each: each.steps[0] == "f:metadata")
    for some in _choices(taken):
        for base in bases:
            if digest(reduce(_with, (each.steps for each in some), base)) == wanted:
                return _loss(some)
    return replace(_loss(taken), is_certain=False, is_whole=own is None)


def _choices(taken: Sequence[_Taken]) -> Iterator[Sequence[_Taken]]:
    """Yield what may have been lost, the least first."""
    if len(taken) > TRIED_TOGETHER:
        yield from ([each] for each in taken[:TRIED])
        yield taken
        return
    for number in range(1, len(taken) + 1):
        yield from combinations(taken, number)


def _loss(taken: Sequence[_Taken]) -> Loss:
    times = [each.manager.time for each in taken if each.manager.time]
    return Loss(
        tuple(dict.fromkeys(_path(each.steps) for each in taken)),
        tuple(dict.fromkeys(each.manager.name for each in taken)),
        min(times, default=None),
    )


def _own(live: Object) -> tuple[Manager, Fields] | None:
    for manager, fields in managers(live):
        if (manager.name, manager.operation, manager.subresource) == (PROGRAM, APPLY, ""):
            return manager, fields
    return None


def _is_scaled(live: Object) -> bool:
    return any(
        manager.subresource == SCALE and _holds(fields, _REPLICAS)
        for manager, fields in managers(live)
    )


def _taken(live: Object, applied: datetime | None, own: Fields) -> Iterator[_Taken]:
    """Yield the fields of those who wrote the object after it was applied, but ours."""
    for manager, fields in managers(live):
        is_later = applied is None or manager.time is None or manager.time >= applied
        # Its status is its controller's.
        if manager.name == PROGRAM or manager.subresource or not is_later:
            continue
        for steps in _leaves(fields):
            if steps not in _BESIDES and not _holds(own, steps):
                yield _Taken(steps, manager)


def _leaves(fields: Fields, steps: _Steps = ()) -> Iterator[_Steps]:
    inside = {key: its for key, its in fields.items() if key != "."}
    if not inside:
        yield steps
    for key, its in inside.items():
        yield from _leaves(its, (*steps, key))


def _holds(fields: Fields, steps: _Steps) -> bool:
    for step in steps:
        if step not in fields:
            return False
        fields = fields[step]
    return True


def _with(fields: Fields, steps: _Steps) -> Fields:
    """Return a set of fields with one more."""
    if not steps:
        return fields
    return {**fields, steps[0]: _with(fields.get(steps[0], {}), steps[1:])}


def _path(steps: _Steps) -> str:
    """Return a path as people read it (model/object_drift/paths.py)."""
    path = ""
    for step in steps:
        kind, _, name = step.partition(":")
        if kind == "f" and "." not in name:
            path += f".{name}" if path else name
        else:
            path += f"[{_entry(kind, name)}]"
    return path


def _entry(kind: str, name: str) -> str:
    """Return what an entry of a list, or a key with dots, is known by."""
    if kind == "k":
        return "/".join(map(str, json.loads(name).values()))
    return str(json.loads(name)) if kind == "v" else name
