"""Parsing of the raw config into its typed form, with the problems of single values.

A config with an invalid value is still parsed to its end: the value is replaced by a valid
placeholder, so that the rules between values are checked in the same run. Issues that depend on a
placeholder are not reported (see `ParseResult.rests_on_placeholder`).
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from model.config import lookup, overrides
from model.config.errors import DESCENDANTS, ConfigProblem, Path, dotted, problem_at
from model.config.field import REFUSED
from model.config.schema import FleetConfig
from model.config.upgrades import UNION_TAGS

# How pydantic marks the location of a key.
KEY = "[key]"
FLEET_EXAMPLE = "clusters: {cluster1: {machines: {subnet: 10.89.1.0/24}}}"


@dataclass(frozen=True)
class ParseResult:
    """A parsed config: `config` is None if its outer structure is invalid."""

    config: FleetConfig | None
    problems: tuple[ConfigProblem, ...] = ()
    invalid: frozenset[Path] = frozenset()

    def rests_on_placeholder(self, sources: Iterable[Path]) -> bool:
        """Return whether one of the values, or a parent of it, was replaced by a placeholder."""
        return any(self._has_placeholder(path) for path in sources)

    def _has_placeholder(self, path: Path) -> bool:
        if path[-1:] == (DESCENDANTS,):
            above = path[:-1]
            if any(location[: len(above)] == above for location in self.invalid):
                return True
        return any(path[:end] in self.invalid for end in range(len(path) + 1))


def read(raw: object) -> ParseResult:
    """Parse the value of the config key."""
    raw = _with_text_keys(raw)
    try:
        return ParseResult(FleetConfig.model_validate(raw))
    except ValidationError as error:
        errors = [(_path(found["loc"]), found) for found in error.errors(include_url=False)]
    problems = tuple(_problem(path, found) for path, found in errors)
    if any(path in ((), ("clusters",)) for path, _ in errors):
        return ParseResult(None, problems)
    for path, found in errors:
        _substitute(raw, path, is_key=_is_key(found))
    invalid = frozenset(path for path, _ in errors)
    return ParseResult(FleetConfig.model_validate(raw), problems, invalid)


def _with_text_keys(raw: Any) -> Any:
    """Return a copy with string keys only: YAML reads `1:` as a number, `on:` as true."""
    if isinstance(raw, dict):
        return {str(key): _with_text_keys(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_with_text_keys(value) for value in raw]
    return raw


def _is_key(error: Any) -> bool:
    """Whether the error is about a key of the reader's own, such as a name."""
    return bool(error["loc"][-1:] == (KEY,))


def _path(location: tuple[str | int, ...]) -> Path:
    return tuple(part for part in location if part not in (KEY, *UNION_TAGS))


def _problem(path: Path, error: Any) -> ConfigProblem:
    kind, value = error["type"], error["input"]
    if kind == REFUSED:
        said = error["ctx"]
        is_complete = "entry" in said or _is_key(error)
        own = lookup.schema_at(path).example
        scalar = said["example"] if own is None or isinstance(own, dict) else own
        example = said["example"] if is_complete else _line(path, scalar)
        shown = "nothing" if value is None else value
        return problem_at(path, shown, said["problem"], allowed=said["allowed"], example=example)
    if kind == "extra_forbidden":
        return _unknown_key(path, value)
    place = lookup.schema_at(path)
    example = _line(path, place.snippet) if path not in ((), ("clusters",)) else FLEET_EXAMPLE
    if kind == "missing":
        allowed = place.field.allowed if place.field else "a mapping of cluster names to clusters"
        return problem_at(path, None, "missing", allowed=allowed, example=example)
    label = "list" if kind == "list_type" else "mapping"
    allowed = f"a mapping; its keys: {', '.join(place.keys)}" if place.keys else f"a {label}"
    if place.entry.part:
        keys = ", ".join(place.entry.keys)
        allowed = (
            f"a list; the keys of each item: {keys}"
            if place.is_list
            else f"a {label} from names to {path[-1]}"
        )
    elif place.entry.field:
        allowed = (
            f"a {label}; each {'item' if place.is_list else 'value'}: {place.entry.field.allowed}"
        )
    shown = "nothing" if value is None else value
    return problem_at(path, shown, f"not a {label}", allowed=allowed, example=example)


def _unknown_key(path: Path, value: object) -> ConfigProblem:
    holder, key = path[:-1], str(path[-1])
    known = lookup.schema_at(holder).keys
    below = {
        f"{part}.{inner}": inner
        for part in known
        for inner in lookup.schema_at((*holder, part)).keys
    }
    names = {**below, **{known_key: known_key for known_key in known}}
    nearest = difflib.get_close_matches(key, names.values(), n=1, cutoff=0.75)
    name = next((full for full, last in reversed(names.items()) if last in nearest), None)
    hint = _not_in_overrides(holder, key)
    if not hint:
        hint = f"; did you mean {name}?" if name else _elsewhere(holder, key)
    closest = tuple((name or lookup.schema_at(holder).first_key).split("."))
    return problem_at(
        path,
        value,
        f"unknown key{hint}",
        allowed="one of " + ", ".join(known),
        example=_line(closest, lookup.schema_at((*holder, *closest)).snippet),
    )


def _not_in_overrides(holder: Path, key: str) -> str:
    """Say where a key belongs that is valid in a cluster or in the fleet, but in no override."""
    if len(holder) != 2 or holder[0] != overrides.KEY:
        return ""
    if key in lookup.schema_at(("clusters", "<name>")).keys:
        return f": each cluster has its own, in clusters.<name>.{key}"
    if key in lookup.schema_at(()).keys:
        return f": it is of the whole fleet, beside {overrides.KEY}"
    return ""


def _elsewhere(holder: Path, key: str) -> str:
    """Say where a key belongs that an object around its holder has, or a part of that."""
    for end in range(len(holder) - 1, -1, -1):
        around = lookup.schema_at(holder[:end])
        parts = [(*holder[:end], part) for part in around.keys]
        for place in (holder[:end], *parts):
            if key in lookup.schema_at(place).keys:
                return f": it is a key of {dotted(place)}"
    return ""


def _line(path: Path, example: object) -> str:
    """Return the example after its key, except for items of lists, labels and selectors."""
    text = str(example).lower() if isinstance(example, bool) else str(example)
    is_item = isinstance(path[-1], int) or "labels" in path[-2:-1] or "canaries" in path
    return text if is_item else f"{path[-1]}: {text}"


def _substitute(raw: Any, path: Path, *, is_key: bool) -> None:
    """Remove the value at `path` from `raw`, or replace it by a placeholder if it is required."""
    holder: Any = raw
    for part in path[:-1]:
        if isinstance(holder, dict) and part not in holder:
            return  # Removed with a wrong key.
        holder = holder[part]
    place = lookup.schema_at(path)
    if is_key:
        holder.pop(path[-1], None)
    elif place.part or place.required:
        holder[path[-1]] = place.placeholder
    elif isinstance(path[-1], int):
        holder[path[-1]] = place.field.example if place.field else {}
    else:
        holder.pop(path[-1], None)
