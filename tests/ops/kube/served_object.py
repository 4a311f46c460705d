"""One object of an API, whose managers and fields are kept as a real API server keeps them.

Lists are of one piece, as most are. https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ops.kube.client import APPLY
from tests.ops.kube.api_server import Answer, Api

TIME = "2026-11-27T09:{:02}:00Z"
IDENTITY = ("apiVersion", "kind", "metadata/name", "metadata/namespace")
Thing = dict[str, Any]
Steps = tuple[str, ...]


class ServedObject:
    """The object at a path: `live` is None until it was applied; `writes` are those that changed.

    Each write happens a minute after the one before. It is in `kept`, by its path.
    """

    def __init__(self, api: Api, path: str, kept: dict[str, Thing] | None = None) -> None:
        self.api, self.path = api, path
        self._kept = {} if kept is None else kept
        self.writes: list[str] = []
        self._minute = 0
        api.answers |= {
            f"GET {path}": self._get, f"PATCH {path}": self._patch, f"DELETE {path}": self._delete,
        }  # fmt: skip

    @property
    def live(self) -> Thing | None:
        return self._kept.get(self.path)

    def edit(self, manager: str, change: Mapping[str, Any]) -> None:
        """Merge a change into the object as a person; None removes a field."""
        assert self.live is not None
        before = copy.deepcopy(self.live)
        touched = [steps for steps in leaves(change) if at(self.live, steps) != at(change, steps)]
        merge(self.live, change)
        for entry in self._entries():
            for steps in touched:
                remove(entry["fieldsV1"], fielded(steps))
        kept = [steps for steps in touched if at(change, steps) is not None]
        if kept:
            self._note(manager, "Update", kept, is_added=True)
        if self.live != before:
            self.writes.append(f"{manager} Update")

    def _get(self) -> Answer:
        return (200, self.live) if self.live else (404, {"kind": "Status", "reason": "NotFound"})

    def _delete(self) -> Answer:
        self._kept.pop(self.path, None)
        return 200, {"kind": "Status"}

    def _patch(self) -> Answer:
        body = self.api.sent[f"PATCH {self.path}"]
        manager = self.api.queries[-1]["fieldManager"][0]
        if self.api.types[f"PATCH {self.path}"] != APPLY:
            assert self.live, "it patches what is not there"
            self.edit(manager, body)
        else:
            self._apply(manager, body)
        assert self.live
        return 200, self.live

    def _apply(self, manager: str, document: Thing) -> None:
        before = copy.deepcopy(self.live)
        live = self._kept.setdefault(self.path, {"metadata": {}})
        declared = [each for each in leaves(document) if "/".join(each) not in IDENTITY]
        for steps in self._former(manager):
            if steps not in declared and not self._is_held(steps, manager):
                remove(live, steps)
        merge(live, document)
        for entry in self._entries():
            if (entry["manager"], entry["operation"]) != (manager, "Apply"):
                for steps in declared:
                    if before is None or at(before, steps) != at(document, steps):
                        remove(entry["fieldsV1"], fielded(steps))
        if self._former(manager) != set(declared) or live != before:
            self._note(manager, "Apply", declared)
            self.writes.append(f"{manager} Apply")

    def _entries(self) -> list[Thing]:
        assert self.live is not None
        found: list[Thing] = self.live["metadata"].setdefault("managedFields", [])
        return found

    def _entry(self, manager: str, operation: str) -> Thing | None:
        known = (
            each
            for each in self._entries()
            if (each["manager"], each["operation"]) == (manager, operation)
        )
        return next(known, None)

    def _former(self, manager: str) -> set[Steps]:
        entry = self._entry(manager, "Apply")
        found = leaves(entry["fieldsV1"]) if entry else ()
        return {tuple(step.removeprefix("f:") for step in steps) for steps in found}

    def _is_held(self, steps: Steps, manager: str) -> bool:
        return any(
            at(each["fieldsV1"], fielded(steps)) is not None
            for each in self._entries()
            if (each["manager"], each["operation"]) != (manager, "Apply")
        )

    def _note(
        self, manager: str, operation: str, fields: list[Steps], *, is_added: bool = False
    ) -> None:
        """Note who wrote fields, besides or instead of those it had."""
        entry = self._entry(manager, operation)
        if entry is None:
            entry = {"manager": manager, "operation": operation, "fieldsV1": {}}
            self._entries().append(entry)
        self._minute += 1
        entry["time"] = TIME.format(self._minute)
        if not is_added:
            entry["fieldsV1"] = {}
        for steps in fields:
            inside = entry["fieldsV1"]
            for step in fielded(steps):
                inside = inside.setdefault(step, {})


def leaves(content: Mapping[str, Any], steps: Steps = ()) -> Iterator[Steps]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*steps, key))
        else:
            yield (*steps, key)


def fielded(steps: Steps) -> Steps:
    return tuple(f"f:{step}" for step in steps)


def at(content: Any, steps: Steps) -> Any:
    for step in steps:
        if not isinstance(content, Mapping) or step not in content:
            return None
        content = content[step]
    return content


def merge(content: Thing, change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            content.pop(key, None)
        elif isinstance(value, Mapping):
            merge(content.setdefault(key, {}), value)
        else:
            content[key] = value


def remove(content: Thing, steps: Steps) -> None:
    """Remove a field, and what has nothing in it without it."""
    if len(steps) > 1 and steps[0] in content:
        remove(content[steps[0]], steps[1:])
        if not content[steps[0]]:
            del content[steps[0]]
    elif len(steps) == 1:
        content.pop(steps[0], None)
