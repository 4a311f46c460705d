"""Look up the schema node at a config path."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from model.config.errors import Path
from model.config.field import ScalarField
from model.config.schema import FleetConfig


@dataclass(frozen=True)
class SchemaNode:
    """A schema node: a scalar (`field`), an object (`part`), or a mapping or list of `items`.

    Where a mapping, a list and a scalar are valid, `items` is of the mapping, `listed` of the list.
    """

    field: ScalarField | None = None
    part: type[BaseModel] | None = None
    items: Any = None
    listed: Any = None
    is_list: bool = False
    required: bool = False
    example: Any = None

    @property
    def keys(self) -> list[str]:
        """The keys of an object, sorted."""
        return sorted(key for key, _ in _fields(self.part))

    @property
    def first_key(self) -> str:
        """The key that an object is best explained with."""
        return next(key for key, _ in _fields(self.part))

    @property
    def smallest(self) -> dict[str, Any]:
        """The smallest valid object: required keys only."""
        return {key: node.placeholder for key, node in self._leaves() if node.required}

    @property
    def placeholder(self) -> Any:
        """A valid value."""
        if self.field:
            return self.field.example
        if self.part:
            return self.smallest
        return self.example or ([] if self.is_list else {})

    @property
    def snippet(self) -> str:
        """An example as YAML on one line; "..." where there is none to show."""
        if self.example is not None:
            return _on_one_line(self.example)
        if self.field:
            return _on_one_line(self.field.example)
        if self.is_list and self.entry.field:
            return _on_one_line([self.entry.field.example])
        leaves = (
            (key, node.example or (node.field and node.field.example))
            for key, node in self._leaves()
        )
        shown = self.smallest or next(({key: value} for key, value in leaves if value), {})
        return _on_one_line(shown) if shown else "..."

    @property
    def entry(self) -> "SchemaNode":
        """The node of each entry of a mapping, or of each item of a list."""
        node = SchemaNode() if self.items is None else _of_type(self.items)
        examples = list(self.example.values()) if isinstance(self.example, dict) else []
        # The entries of an open mapping are the user's own.
        return replace(node, example=examples[0]) if examples and node.part else node

    def _leaves(self) -> Iterator[tuple[str, "SchemaNode"]]:
        for key, field in _fields(self.part):
            yield key, _of_field(field)


def _on_one_line(value: Any) -> str:
    """Return an example as YAML on one line."""
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_list, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return f'"{value}"' if isinstance(value, str) and value.isdigit() else str(value)
    return "{" + ", ".join(f"{key}: {_on_one_line(part)}" for key, part in value.items()) + "}"


def _in_list(value: Any) -> str:
    text = _on_one_line(value)
    return f'"{text}"' if isinstance(value, str) and ":" in text else text


def schema_at(path: Path) -> SchemaNode:
    """Return the schema node at `path`, below the config key."""
    place = SchemaNode(part=FleetConfig)
    for key in path:
        if place.listed is not None and isinstance(key, int):
            place = _of_type(place.listed)
        elif place.items is not None:
            place = place.entry
        else:
            field = dict(_fields(place.part)).get(str(key))
            place = _of_field(field) if field else SchemaNode()
    return place


def _fields(part: type[BaseModel] | None) -> Iterator[tuple[str, FieldInfo]]:
    for field in part.model_fields.values() if part else ():
        yield str(field.alias), field


def _of_field(field: FieldInfo) -> SchemaNode:
    place = _of_type(field.annotation, field.metadata, required=field.is_required())
    return replace(place, example=field.examples[0]) if field.examples else place


def _of_type(annotation: Any, metadata: Any = (), *, required: bool = False) -> SchemaNode:
    metadata = (*metadata, *getattr(annotation, "__metadata__", ()))
    if hasattr(annotation, "__metadata__"):
        return _of_type(get_args(annotation)[0], metadata, required=required)
    arguments = [argument for argument in get_args(annotation) if argument is not NoneType]
    if NoneType in get_args(annotation):
        return _of_type(arguments[0], metadata, required=required)
    field = next((marker for marker in metadata if isinstance(marker, ScalarField)), None)
    # A union of annotated types is typing's own until Python 3.14.
    if get_origin(annotation) in (Union, UnionType) and field is None:
        return _of_union(arguments, required=required)
    return SchemaNode(
        field=field,
        part=annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel)
        else None,
        items=arguments[-1] if get_origin(annotation) in (dict, list) else None,
        is_list=get_origin(annotation) is list,
        required=required,
    )


def _of_union(options: list[Any], *, required: bool) -> SchemaNode:
    """Return the node of a mapping that can be a scalar or a list as well."""
    nodes = [(_of_type(option), _bare_origin(option)) for option in options]
    return SchemaNode(
        field=next((node.field for node, _ in nodes if node.field), None),
        items=next((node.items for node, origin in nodes if origin is dict), None),
        listed=next((node.items for node, origin in nodes if origin is list), None),
        required=required,
    )


def _bare_origin(annotation: Any) -> Any:
    """Return `dict` for a mapping and `list` for a list."""
    if hasattr(annotation, "__metadata__"):
        return _bare_origin(get_args(annotation)[0])
    return get_origin(annotation)
