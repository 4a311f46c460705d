"""What somebody did to objects that a run applied: edited or deleted them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from model.object_drift import text
from model.object_drift.judgement import State
from model.status.condition import Condition, Severity
from model.watch import finding
from model.watch.finding import Finding
from ops.kube.object_status import ADVICE, REASONS
from ops.watch.objects import AppliedObject
from ops.watch.siblings import Missing
from ops.watch.sources import OBJECTS, SIBLINGS
from ops.watch.view import PROBE_TITLE, Limits, View

# A run applies an object, and then its mark.
EDIT_HOLD = 5.0
# It applies, and removes, one object after the other.
DELETED_HOLD = 12.0
BETWEEN = timedelta(seconds=10)


def judge(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield objects that were edited, and those that are missing beside their siblings."""
    for each in view.objects:
        if each.loss:
            yield _edited(view, each)
    changing = _changing(view)
    for missing in _besides_probe(view):
        if missing.siblings not in changing:
            yield _deleted(view, missing)


def unknown(view: View) -> Iterator[str]:
    """Yield the sources of objects of which it is not known whether they were edited or deleted."""
    yield from view.unread_objects
    yield from map(SIBLINGS, _changing(view))


def _changing(view: View) -> set[str]:
    """Return the digests of siblings that a run may be applying now."""
    begin = view.now - BETWEEN
    return {each.siblings for each in view.objects if each.written and each.written > begin}


def _besides_probe(view: View) -> Iterator[Missing]:
    """Yield what is missing, without the probes' DaemonSet while that is reported by its name.

    add_ons.py tells it. After a restart no title is known: it is one of those that are missing
    beside other objects of the probes.
    """
    if not view.lacks_probe:
        yield from view.missing
        return
    digests = {each.siblings for each in view.objects if _is_probes(each.title)}
    digests |= {each.siblings for each in view.missing if each.title == PROBE_TITLE}
    its = [each for each in view.missing if each.siblings in digests]
    named = [each for each in its if each.title == PROBE_TITLE]
    told = (named or [each for each in reversed(its) if not each.title])[:1]
    yield from (each for each in view.missing if each not in its)
    # Their places, which a restart knows them by, are those of the others.
    others = [each for each in its if each not in told]
    yield from (replace(each, place=place) for place, each in enumerate(others))


def _is_probes(title: str) -> bool:
    return title.partition(" ")[2] == PROBE_TITLE.partition(" ")[2]


def _edited(view: View, found: AppliedObject) -> Finding:
    assert found.loss
    condition = Condition(
        cluster=view.cluster,
        kind="object",
        name=found.title,
        severity=Severity.WARNING,
        reason=REASONS[State.EDITED],
        since=found.loss.since,
        message=f"{text.loss(found.loss)}: {ADVICE[State.EDITED]}",
    )
    return finding.of(condition, found.source, hold=EDIT_HOLD)


def _deleted(view: View, missing: Missing) -> Finding:
    """Return what is missing; its key has no name, which a restart would not know."""
    which = missing.title or (
        f"one of the {missing.number} objects that were applied with {missing.sibling}"
    )
    others = f" ({missing.more} more are missing)" if missing.more else ""
    message = f"{which}{others} {ADVICE[State.DELETED]}"
    condition = view.condition(Severity.WARNING, REASONS[State.DELETED], message)
    return finding.of(
        condition,
        *(OBJECTS, SIBLINGS(missing.siblings)),
        item=f"{missing.siblings} {missing.place}",
        hold=DELETED_HOLD,
    )
