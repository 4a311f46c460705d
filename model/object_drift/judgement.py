"""What is wrong with an object that a run applied: edited, not applied yet, missing.

An edit takes a field from its former manager: what is still this program's was not edited, but
changed by the cluster's own admission while it was applied.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from model.api_objects import Object
from model.object_drift.fields import FieldDifference, differences
from model.object_drift.loss import PROGRAM, REPLICAS, SCALE, Loss, lost
from model.object_drift.mark import Mark, mark_of
from model.object_drift.owners import APPLY, Manager, has_applied, only_writer, owners


class State(Enum):
    """What a difference is, and with that, what ends it."""

    EDITED = auto()
    ADDED = auto()
    NOT_APPLIED = auto()
    ADMITTED = auto()
    DELETED = auto()
    MISSING = auto()


@dataclass(frozen=True)
class FieldDrift:
    """A field that differs, and who set it, as far as the object says."""

    difference: FieldDifference
    state: State
    manager: Manager | None = None


@dataclass(frozen=True)
class ObjectDrift:
    """An object's differences of one state; none if there is no object.

    `loss` instead: it is as declared, but fields of it are not this program's any more.
    """

    state: State
    fields: tuple[FieldDrift, ...] = ()
    loss: Loss | None = None

    @property
    def since(self) -> datetime | None:
        """Return since when, as far as it is known."""
        if self.loss:
            return self.loss.since
        times = [each.manager.time for each in self.fields if each.manager and each.manager.time]
        return min(times, default=None)


def judged(declared: Object, mark: Mark | None, live: Object) -> list[ObjectDrift]:
    """Return what differs between an object as it is declared and as a cluster has it, by state.

    Without a mark, what is declared is known to be what was applied last. What was edited and set
    back is somebody else's now, until it is applied again.
    """
    found = [_field(each, mark, live) for each in differences(declared, live)]
    drifts = list(_by_state(each for each in found if each))
    if not any(each.state is State.EDITED for each in drifts) and (loss := lost(live)):
        drifts.insert(0, ObjectDrift(State.EDITED, loss=loss))
    return drifts


def judged_missing(mark: Mark, siblings: Iterable[Object]) -> ObjectDrift:
    """Return why an object is missing, as the others of its resource tell.

    Those that were applied with what is declared now were applied with it.
    """
    marks: Collection[str] = {mark_of(each).siblings for each in siblings} - {""}
    if mark.siblings in marks:
        return ObjectDrift(State.DELETED)
    return ObjectDrift(State.NOT_APPLIED if marks else State.MISSING)


def _field(found: FieldDifference, mark: Mark | None, live: Object) -> FieldDrift | None:
    """Return what a difference is; None for one that is nobody's business here."""
    having = owners(live, found.path)
    others = [each for each in having.managers if each.name != PROGRAM]
    is_own = any(each.name == PROGRAM and each.operation == APPLY for each in having.managers)
    manager = others[0] if others else only_writer(live, besides=PROGRAM)
    if found.path == REPLICAS and others and others[0].subresource == SCALE:
        return None
    is_current = mark is None or mark_of(live).document == mark.document
    if is_own:
        # What an admission webhook adds to what is applied is not of interest.
        is_foreign = is_current and found.wanted is None
        state = State.ADMITTED if is_current else State.NOT_APPLIED
        return None if is_foreign else FieldDrift(found, state)
    if found.wanted is None and not having.of_whole_list:
        return FieldDrift(found, State.ADDED, manager)
    if others or is_current or not has_applied(live, PROGRAM):
        return FieldDrift(found, State.EDITED, manager)
    return FieldDrift(found, State.NOT_APPLIED)


def _by_state(found: Iterable[FieldDrift]) -> Iterator[ObjectDrift]:
    every = list(found)
    for state in State:
        if fields := tuple(each for each in every if each.state is state):
            yield ObjectDrift(state, fields)
