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
    required: bool = False
    example: Any = None

    @property
    def keys(self) -> list[str]:
        """The keys of an object, sorted."""
        return sorted(key for key, _ in _fields(self.part))

    @property
    def smallest(self) -> dict[str, Any]:
        """The smallest valid object: required keys only."""
        return {
            key: node.field.example for key, node in self._leaves() if node.required and node.field
        }

    @property
    def snippet(self) -> str:
        """An example as YAML on one line; "..." where there is none to show."""
        if self.field:
            example = self.field.example
            return str(example).lower() if isinstance(example, bool) else str(example)
        shown = (
            self.smallest
            or self.example
            or {
                key: field.default
                for key, field in _fields(self.part)
                if field.default is not None and isinstance(field.default, str | int)
            }
        )
        return _on_one_line(shown) if shown else "..."

    def _leaves(self) -> Iterator[tuple[str, "SchemaNode"]]:
        for key, field in _fields(self.part):
            yield key, _of_field(field)


def _on_one_line(value: Any) -> str:
    """Return an example as YAML on one line."""
    if not isinstance(value, dict):
        return str(value)
    return "{" + ", ".join(f"{key}: {_on_one_line(part)}" for key, part in value.items()) + "}"


def schema_at(path: Path) -> SchemaNode:
    """Return the schema node at `path`, below the config key."""
    place = SchemaNode(part=FleetConfig)
    for key in path:
        if place.listed is not None and isinstance(key, int):
            place = _of_type(place.listed)
        elif place.items is not None:
            place = _of_type(place.items)
        else:
            field = dict(_fields(place.part)).get(str(key))
            place = _of_field(field) if field else SchemaNode()
    return place


def _fields(part: type[BaseModel] | None) -> Iterator[tuple[str, FieldInfo]]:
    for field in part.model_fields.values() if part else ():
        yield str(field.alias), field


def _of_field(field: FieldInfo) -> SchemaNode:
    place = _of_type(field.annotation, field.metadata, required=field.is_required())
    # The items of an open mapping are the user's own: only nodes with known keys have an example.
    known = place.part or place.listed or (place.items and _of_type(place.items).part)
    return replace(place, example=field.examples[0]) if known and field.examples else place


def _of_type(annotation: Any, metadata: Any = (), *, required: bool = False) -> SchemaNode:
    metadata = (*metadata, *getattr(annotation, "__metadata__", ()))
    if hasattr(annotation, "__metadata__"):
        return _of_type(get_args(annotation)[0], metadata, required=required)
    arguments = [each for each in get_args(annotation) if each is not NoneType]
    if NoneType in get_args(annotation):
        return _of_type(arguments[0], metadata, required=required)
    field = next((each for each in metadata if isinstance(each, ScalarField)), None)
    # A union of annotated types is typing's own until Python 3.14.
    if get_origin(annotation) in (Union, UnionType) and field is None:
        return _of_union(arguments, required=required)
    return SchemaNode(
        field=field,
        part=annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel)
        else None,
        items=arguments[-1] if get_origin(annotation) in (dict, list) else None,
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
