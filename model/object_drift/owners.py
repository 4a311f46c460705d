"""Who set a field of an object: its managers, as the API records them.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from model.api_objects import Object
from model.consistency.facts import entries
from model.object_drift.paths import steps_of

APPLY, UPDATE = "Apply", "Update"


@dataclass(frozen=True)
class Manager:
    """A manager of fields: its name, how it wrote them, and when."""

    name: str
    operation: str = ""
    subresource: str = ""
    time: datetime | None = None


@dataclass(frozen=True)
class Owners:
    """The managers of a field, the one that wrote last first.

    `of_whole_list`: they have it because they have the whole list around it, which whoever applies
    it replaces.
    """

    managers: tuple[Manager, ...] = ()
    of_whole_list: bool = False


def owners(live: Object, path: str) -> Owners:
    """Return who has a field."""
    steps = [step.name for step in steps_of(path)]
    found = [(manager, _has(fields, live, steps)) for manager, fields in managers(live)]
    having = [manager for manager, has in found if has is not None]
    return Owners(tuple(_latest_first(having)), any(has is Held.IN_LIST for _, has in found))


def only_writer(live: Object, *, besides: str) -> Manager | None:
    """Return who wrote the object besides a manager and those of its status; None if several did.

    A field that was removed has no manager: of several it cannot be said who it was.
    """
    found = [
        manager
        for manager, _ in managers(live)
        if manager.operation == UPDATE and not manager.subresource and manager.name != besides
    ]
    return found[0] if len(found) == 1 else None


def has_applied(live: Object, name: str) -> bool:
    """Whether a manager has applied the object, and still has a field of it."""
    return any(each.name == name and each.operation == APPLY for each, _ in managers(live))


def managers(live: Object) -> Iterator[tuple[Manager, Mapping[str, Any]]]:
    """Yield each manager of an object, with its fields as the API writes them (`fieldsV1`)."""
    for entry in live["metadata"].get("managedFields") or ():
        manager = Manager(
            str(entry.get("manager", "")),
            str(entry.get("operation", "")),
            str(entry.get("subresource", "")),
            _time(str(entry.get("time") or "")),
        )
        yield manager, entry.get("fieldsV1") or {}


def _time(text: str) -> datetime | None:
    # A cluster can send anything, also a time without a zone.
    with suppress(ValueError):
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else None
    return None


def _latest_first(found: list[Manager]) -> list[Manager]:
    return sorted(found, key=lambda each: each.time.timestamp() if each.time else 0, reverse=True)


class Held(Enum):
    """How a manager has a field: itself, or with the whole list that it is in."""

    ITSELF = auto()
    IN_LIST = auto()


def _has(fields: Mapping[str, Any], content: Any, steps: Sequence[str]) -> Held | None:
    """Return how a set of fields has the one that the steps lead to; None if it has not."""
    for index, step in enumerate(steps):
        if isinstance(content, list):
            entry = dict(entries(content, whole=True)).get(step)
            found = _entry(fields, entry)
            content = entry
        else:
            found = fields.get(f"f:{step}")
            content = content.get(step) if isinstance(content, Mapping) else None
        if found is None:
            return None
        if not found:
            return Held.ITSELF if index == len(steps) - 1 else Held.IN_LIST
        fields = found
    return Held.ITSELF


def _entry(fields: Mapping[str, Any], entry: Any) -> Any:
    """Return the fields of an entry of a list that is known by keys; None if they have none."""
    if not isinstance(entry, Mapping):
        return None
    for name, inside in fields.items():
        if name.startswith("k:"):
            keys = json.loads(name.removeprefix("k:"))
            if all(entry.get(key) == value for key, value in keys.items()):
                return inside
    return None
