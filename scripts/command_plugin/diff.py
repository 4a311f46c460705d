"""Differences between old and new inputs, and the operation that they require."""

import re
from collections.abc import Mapping
from typing import TypeAlias

from scripts.command_plugin.protocol import provider_pb2
from scripts.command_plugin.resources import Resource
from scripts.command_plugin.values import Properties, Value

_Kind: TypeAlias = "provider_pb2.PropertyDiff.Kind.ValueType"
_ADD = provider_pb2.PropertyDiff.ADD
_DELETE = provider_pb2.PropertyDiff.DELETE
_UPDATE = provider_pb2.PropertyDiff.UPDATE
_REPLACING = {
    _ADD: provider_pb2.PropertyDiff.ADD_REPLACE,
    _DELETE: provider_pb2.PropertyDiff.DELETE_REPLACE,
    _UPDATE: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


def compare(
    resource: Resource, old: Mapping[str, Value], new: Mapping[str, Value]
) -> "provider_pb2.DiffResponse":
    """Return the response to a Diff.

    A list item is reported by its path ("triggers[0]"), and such a path does not cause a
    replacement by itself: Pulumi's SDK sets replace_on_changes "triggers[*]".
    """
    replacing = {field.name for field in resource.inputs if field.replaces}
    found: dict[str, _Kind] = {}
    _compare_objects("", old, new, found)
    answer = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if found
        else provider_pb2.DiffResponse.DIFF_NONE,
        hasDetailedDiff=True,
    )
    for path, kind in found.items():
        top = re.split(r"[.\[]", path, maxsplit=1)[0]
        if path in replacing:
            kind = _REPLACING[kind]
            answer.replaces.append(top)
        if top not in answer.diffs:
            answer.diffs.append(top)
        answer.detailedDiff[path].kind = kind
    return answer


def _compare_objects(
    path: str, old: Mapping[str, Value], new: Mapping[str, Value], found: dict[str, _Kind]
) -> None:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        here = _join(path, name)
        if before is None and after is None:
            continue
        if before is None:
            found[here] = _ADD
        elif after is None:
            found[here] = _DELETE
        else:
            _compare_values(here, before, after, found)


def _compare_values(path: str, old: Value, new: Value, found: dict[str, _Kind]) -> None:
    if isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            _compare_values(f"{path}[{index}]", before, after, found)
        for index in range(len(old), len(new)):
            found[f"{path}[{index}]"] = _ADD
        for index in range(len(new), len(old)):
            found[f"{path}[{index}]"] = _DELETE
    elif isinstance(old, dict) and isinstance(new, dict):
        _compare_objects(path, old, new, found)
    elif old != new:
        found[path] = _UPDATE


def _join(path: str, name: str) -> str:
    if not _PLAIN_NAME.match(name):
        return f'{path}["{name}"]'
    return f"{path}.{name}" if path else name


def with_ignored(new: Properties, state: Mapping[str, Value], ignored: list[str]) -> Properties:
    """Copy from the state the properties whose changes the program ignores."""
    return {**new, **{name: state[name] for name in ignored if name in state}}
