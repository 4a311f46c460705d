"""docs/config.md: every key of the config, from its types, with allowed values and an example."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from model.config import component_flags, kubelet_fields
from model.config.defaults import DEFAULTS
from model.config.errors import Path as ConfigPath
from model.config.field import ScalarField
from model.config.lookup import SchemaNode, schema_at
from model.config.open_mapping import OpenMapping
from model.config.resolved_cluster import INHERITED, POOL_KEYS
from model.config.schema import FleetConfig

Value = TypeVar("Value", bound=Hashable)
REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "config.md"
HEAD = """# Config reference

Generated from the types in `model/config` by `make schema`: change the types, not this file.

The config is the value of `kubeadm-fleet:fleet` in `Pulumi.<stack>.yaml`. Keys are relative to it;
`<name>` is the name of a cluster, a pool or a host. Settings of the fleet are defaults; those that
clusters have as well can be set for some clusters by a selector (`overrides`), and each cluster can
override them, key by key. A null value leaves its key unset.
[stack.schema.json](stack.schema.json) says the same to editors.
"""
TABLE = "| key | allowed | default | description | example |\n|---|---|---|---|---|\n"
OPEN_MAPPINGS = """
## Kubelet fields

The fields of KubeletConfiguration that `kubelet` takes.

| value | fields |
|---|---|
{fields}
## Component flags

`extraArgs` takes any flag of the component, without its dashes, and its value as text.

## Managed by kubeadm-fleet

Fields and flags that the config may not set, and why.

| component | field or flag | reason |
|---|---|---|
{refused}"""
# Placeholders in a path: for a name of the reader's own, and for an item of a list.
NAME, LISTED = "<name>", 0
FLAGS = {
    "apiServer": component_flags.API_SERVER,
    "controllerManager": component_flags.CONTROLLER_MANAGER,
    "scheduler": component_flags.SCHEDULER,
    "etcd": component_flags.ETCD,
}
POOLS = tuple(POOL_KEYS.values())


@dataclass(frozen=True)
class Key:
    """One key of the config: its path, and the description that its type has (`info`)."""

    path: ConfigPath
    info: FieldInfo

    @cached_property
    def node(self) -> SchemaNode:
        """Its schema node."""
        return schema_at(self.path)

    @property
    def below(self) -> ConfigPath:
        """The path of its entries, if it has any; its own path otherwise."""
        if self.node.items is None:
            return self.path
        kind = get_origin(_bare(self.info.annotation))
        return (*self.path, LISTED if kind is list else NAME)

    @property
    def part(self) -> type[BaseModel] | None:
        """The part that it holds, or that each of its entries is."""
        return schema_at(self.below).part

    @property
    def example(self) -> Any:
        """Return an allowed value."""
        if self.info.examples:
            return self.info.examples[0]
        if self.node.field:
            return self.node.field.example
        inner = self.part and _smallest(self.below, self.part)
        if inner is None:
            entry = schema_at(self.below).field
            assert entry is not None, f"{self.path}: give its Field an example"
            inner = entry.example
        if self.below == self.path:
            return inner
        return [inner] if self.below[-1] == LISTED else {_key_example(self.info): inner}


def keys(part: type[BaseModel] = FleetConfig, path: ConfigPath = ()) -> Iterator[Key]:
    """Return every key of the config, depth first; a part's own keys before those below."""
    found = [Key((*path, str(info.alias)), info) for info in part.model_fields.values()]
    yield from found
    for key in found:
        if key.part is not None:
            yield from keys(key.part, key.below)


def rendered() -> str:
    """Return the reference as the file holds it."""
    sections: dict[type[BaseModel], list[Key]] = {}
    places: dict[type[BaseModel], list[str]] = {}
    for key in (top := list(keys())):
        if key.part is not None:
            places.setdefault(key.part, []).append(_dotted(key.below))
    for key in top:
        holder = schema_at(key.path[:-1]).part or FleetConfig
        rows = sections.setdefault(holder, [])
        if key.path[-1] not in {row.path[-1] for row in rows}:
            rows.append(key)
    parts = (_section(part, places.get(part, []), rows) for part, rows in sections.items())
    return HEAD + "".join(parts) + _open_mappings()


def _section(part: type[BaseModel], places: list[str], rows: list[Key]) -> str:
    where = "Where: " + ", ".join(f"`{place}`" for place in places) + ".\n\n" if places else ""
    lines = "".join(_row(key) for key in rows)
    return f"\n## {part.__name__}\n\n{(part.__doc__ or '').strip()}\n\n{where}{TABLE}{lines}"


def _row(key: Key) -> str:
    shown = yaml.safe_dump({key.path[-1]: key.example}, default_flow_style=True, width=1000)
    cells = [
        f"`{key.path[-1]}`",
        allowed(key),
        default(key),
        str(key.info.description),
        f"`{shown.strip()[1:-1]}`",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def allowed(key: Key) -> str:
    """Return what a key may have, in Markdown."""
    if key.node.field and key.node.listed is not None:
        return f"{key.node.field.allowed}; or a list of them"
    if key.node.field:
        return key.node.field.allowed
    if any(isinstance(item, OpenMapping) for item in key.info.metadata):
        anchor = "kubelet-fields" if key.path[-1] == "kubelet" else "component-flags"
        return f"a mapping; see [below](#{anchor})"
    entry = schema_at(key.below).field
    what = entry.allowed if entry else ""
    if key.part is not None:
        what = f"[{key.part.__name__}](#{key.part.__name__.lower()})"
    if key.below == key.path:
        return what
    return ("a list; each: " if key.below[-1] == LISTED else "a mapping; each value: ") + what


def default(key: Key) -> str:
    """Return the default of a key, in Markdown."""
    if key.info.is_required():
        return "required"
    given = key.info.get_default(call_default_factory=True)
    if given is None:
        given = _inherited(key.path)
    if isinstance(given, BaseModel):
        return "those of its keys"
    if given in ({}, [], "", None):
        return "none"
    text = str(given).lower() if isinstance(given, bool) else f"{given}"
    return text if " " in text else f"`{text.removesuffix('.0')}`"


def _inherited(path: ConfigPath) -> object:
    """Return the default of an optional key, as model/config merges it."""
    setting = path[2:] if path[0] in ("clusters", "overrides") else path
    if setting[0] in POOLS and setting[1:] in (("cpus",), ("memory",)):
        return "that of `machines`"
    if setting[:2] == ("workers", "pools") and setting[-1] in INHERITED:
        return "that of `workers`"
    in_fleet = schema_at(setting)
    if setting != path and (in_fleet.field or in_fleet.part):
        return "the fleet's"
    value: Any = DEFAULTS.model_dump(by_alias=True)
    for key in setting:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return "those of its keys" if any(value.values()) else None
    return ", ".join(value) if isinstance(value, list) else value


def _smallest(path: ConfigPath, part: type[BaseModel]) -> dict[str, Any]:
    """Return what the part requires; of one that requires nothing, its first key."""
    inner = [Key((*path, str(info.alias)), info) for info in part.model_fields.values()]
    needed = [key for key in inner if key.info.is_required()] or inner[:1]
    return {str(key.path[-1]): key.example for key in needed}


def _key_example(info: FieldInfo) -> str:
    """Return an example of a mapping's keys."""
    metadata = getattr(get_args(_bare(info.annotation))[0], "__metadata__", ())
    scalars = (scalar for scalar in metadata if isinstance(scalar, ScalarField))
    return next((str(scalar.example) for scalar in scalars), "cluster1")


def _bare(annotation: Any) -> Any:
    """Return the type without `| None`."""
    options = [option for option in get_args(annotation) if option is not NoneType]
    return options[0] if NoneType in get_args(annotation) else annotation


def _dotted(path: ConfigPath) -> str:
    return "".join("[]" if key == LISTED else f".{key}" for key in path)[1:]


def _open_mappings() -> str:
    """Return which fields of the kubelet and which flags of components are allowed or not."""
    fields = "".join(
        f"| {kind.label} | {', '.join(f'`{name}`' for name in names)} |\n"
        for kind, names in _by(kubelet_fields.FIELDS).items()
    )
    refused = {"kubelet": kubelet_fields.OWNED, **FLAGS}
    rows = "".join(
        f"| `{component}` | {', '.join(f'`{name}`' for name in names)} | {reason} |\n"
        for component, reasons in refused.items()
        for reason, names in _by(reasons).items()
    )
    return OPEN_MAPPINGS.format(fields=fields, refused=rows)


def _by(names: Mapping[str, Value]) -> dict[Value, list[str]]:
    """Return the names that have each value."""
    found: dict[Value, list[str]] = {}
    for name, value in names.items():
        found.setdefault(value, []).append(name)
    return found
