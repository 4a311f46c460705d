"""What people read about objects that differ."""

from collections.abc import Iterable, Sequence

from model.object_drift.judgement import FieldDrift, ObjectDrift, State
from model.object_drift.loss import Loss

# So many fields of an object are named, and so much of a value.
NAMED, VALUE_LETTERS = 3, 60


def sentence(drift: ObjectDrift) -> str:
    """Return what differs of an object that exists, and who did it."""
    if drift.loss:
        return f"{loss(drift.loss)}, and is as declared again"
    return f"{fields(drift)}{_by(each.manager.name for each in drift.fields if each.manager)}"


def loss(found: Loss) -> str:
    """Return who edited an object, and which fields, as far as its managers say so."""
    if found.is_whole:
        what = "none of its fields is this program's any more"
    elif found.fields and found.is_certain:
        what = f"{_listed(found.fields)} {'was' if len(found.fields) == 1 else 'were'} edited"
    elif found.fields:
        what = f"fields of it were edited or removed; written since: {_listed(found.fields)}"
    else:
        what = "fields of it were removed"
    return f"{what}{_by(found.managers)}"


def fields(drift: ObjectDrift) -> str:
    """Return the fields that differ, with their values if they are short."""
    return _listed([_field(each) for each in drift.fields])


def _listed(texts: Sequence[str]) -> str:
    rest = len(texts) - NAMED
    return "; ".join([*texts[:NAMED], *([f"{rest} more fields"] if rest > 0 else [])])


def _field(drift: FieldDrift) -> str:
    difference = drift.difference
    if difference.wanted is None:
        return f"{difference.path} was added"
    if difference.found is None:
        is_there = drift.state is State.EDITED
        return f"{difference.path} {'was removed' if is_there else 'is not there'}"
    return f"{difference.path} is {_value(difference.found)}, not {_value(difference.wanted)}"


def _value(text: str) -> str:
    line = " ".join(text.split())
    cut = line if len(line) <= VALUE_LETTERS else f"{line[:VALUE_LETTERS]}…"
    return cut or '""'


def _by(managers: Iterable[str]) -> str:
    names = dict.fromkeys(managers)
    return f" (by {', '.join(names)})" if names else ""
