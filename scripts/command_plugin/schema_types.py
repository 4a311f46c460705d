"""The shapes of inputs and states: their fields, and the problems of mismatched values.

The wording of problems, including Go's type names, is that of the official plugin.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scripts.command_plugin.values import Asset, Marked, Properties, Value, bare, is_unknown, secret


@dataclass(frozen=True)
class Problem:
    """One invalid field: its name and a sentence."""

    field: str
    reason: str
    missing: bool = False


@dataclass(frozen=True)
class Kind:
    """The type of a field: its Go name, its Python type, and the type of its items."""

    go_name: str
    python_type: type | tuple[type, ...]
    items: "Kind | None" = None
    # Its name in a schema.
    schema: str = ""


STRING = Kind("string", str, schema="string")
BOOLEAN = Kind("bool", bool, schema="boolean")
NUMBER = Kind("float64", float, schema="number")
INTEGER = Kind("int", float, schema="integer")
ANYTHING = Kind("interface {}", object, schema="pulumi.json#/Any")
ANY_LIST = Kind("[]interface {}", list, ANYTHING)
STRING_LIST = Kind("[]string", list, STRING)
STRING_MAP = Kind("map[string]string", dict, STRING)
ASSET = Kind("types.AssetOrArchive", Asset, schema="pulumi.json#/Asset")
ASSET_MAP = Kind("map[string]*types.AssetOrArchive", dict, ASSET)
LOGGING = Kind("remote.Logging", str, schema="string")


@dataclass(frozen=True)
class Field:
    """One field of a shape."""

    name: str
    kind: "Kind | Shape"
    required: bool = False
    secret: bool = False
    default: Value = None
    # Whether a change of the field itself, not of an item in it, replaces the resource.
    replaces: bool = False


@dataclass(frozen=True)
class Shape:
    """An object's fields, and its Go type name."""

    go_name: str
    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def problems(self, properties: Mapping[str, Value]) -> list[Problem]:
        """Return the problems of an object; unknown values are always valid."""
        found = []
        for field in self.fields:
            value = properties.get(field.name)
            if is_unknown(value):
                continue
            if bare(value) is not None:
                found += self._problems_of_value(field.name, field.kind, value)
            elif field.required:
                reason = f"Missing required field '{field.name}' on '{self.go_name}'"
                found.append(Problem(field.name, reason, missing=True))
        known = {field.name for field in self.fields}
        for name in properties:
            if name not in known:
                found.append(Problem(name, f"Unrecognized field '{name}' on '{self.go_name}'"))
        return found

    def _problems_of_value(self, name: str, kind: "Kind | Shape", marked: Value) -> list[Problem]:
        value: Any = bare(marked)
        if value is None:
            return []
        if isinstance(kind, Shape):
            if not isinstance(value, dict):
                return [self._wrong_type(name, kind.go_name, value)]
            inside = kind.problems(value)
            return [Problem(name, self._in_decoding(name, decoding(inside)))] if inside else []
        if kind is ASSET:
            return []  # Anything decodes; the resource checks whether it is usable.
        if not isinstance(value, kind.python_type):
            if isinstance(value, dict):
                reason = (
                    f"Cannot decode Object{{}} to type {kind.go_name}; "
                    "it isn't a struct, and no custom decoder exists"
                )
                return [Problem(name, self._in_decoding(name, reason))]
            return [self._wrong_type(name, kind.go_name, value)]
        if kind.items is None:
            return []
        items: dict[str, Value] = {}
        if isinstance(value, dict):
            items = {f"{name}[{key}] value": item for key, item in value.items()}
        elif isinstance(value, list):
            items = {f"{name}[{index}]": item for index, item in enumerate(value)}
        for item_name, item in items.items():
            if problems := self._problems_of_value(item_name, kind.items, item):
                return problems
        return []

    def _wrong_type(self, name: str, expected: str, value: Value) -> Problem:
        return Problem(
            name,
            f"Field '{name}' on '{self.go_name}' must be a '{expected}'; "
            f"got '{_go_type(value)}' instead",
        )

    def _in_decoding(self, name: str, reason: str) -> str:
        return f"An error occurred decoding '{self.go_name.split('.')[-1]}.{name}': {reason}"

    def with_defaults(self, properties: Properties) -> Properties:
        """Fill in absent fields that have a default, including those of nested objects."""
        filled = dict(properties)
        for field in self.fields:
            value = filled.get(field.name)
            if bare(value) is None and not is_unknown(value):
                if field.default is not None:
                    filled[field.name] = field.default
            elif isinstance(field.kind, Shape):
                filled[field.name] = _inside(value, field.kind.with_defaults)
        return filled

    def with_secrets(self, properties: Properties) -> Properties:
        """Mark fields that are always secret, including those of nested objects."""
        marked = dict(properties)
        for field in self.fields:
            if field.name not in marked:
                continue
            value = marked[field.name]
            if isinstance(field.kind, Shape):
                value = _inside(value, field.kind.with_secrets)
            marked[field.name] = secret(value) if field.secret else value
        return marked


def decoding(problems: list[Problem]) -> str:
    """Join problems into one text."""
    lines = [f"{len(problems)} failures decoding:"]
    return "\n\t".join(lines + [f"{problem.field}: {problem.reason}" for problem in problems])


def _inside(value: Value, change: Callable[[Properties], Properties]) -> Value:
    """Change an object, known or unknown, secret or not; anything else is kept."""
    if isinstance(value, Marked):
        return replace(value, value=_inside(value.value, change))
    return change(value) if isinstance(value, dict) else value


def _go_type(value: Value) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "[]interface {}"
        case Asset():
            return "*archive.Archive" if value.archive else "*asset.Asset"
        case _:
            return "float64"
