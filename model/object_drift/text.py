"""What people read about objects that differ."""

from collections.abc import Sequence

from model.object_drift.judgement import FieldDrift, ObjectDrift, State

# So many fields of an object are named, and so much of a value.
NAMED, VALUE_LETTERS = 3, 60


def sentence(drift: ObjectDrift) -> str:
    """Return what differs of an object that exists, and who did it."""
    return f"{fields(drift)}{_managers(drift.fields)}"


def fields(drift: ObjectDrift) -> str:
    """Return the fields that differ, with their values if they are short."""
    rest = len(drift.fields) - NAMED
    named = [_field(each) for each in drift.fields[:NAMED]]
    return "; ".join([*named, *([f"{rest} more fields"] if rest > 0 else [])])


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


def _managers(drifts: Sequence[FieldDrift]) -> str:
    names = dict.fromkeys(each.manager.name for each in drifts if each.manager)
    return f" (by {', '.join(names)})" if names else ""
