"""A description of the resources for code generators: names and types, no documentation."""

import json
from typing import Any

from scripts.command_plugin import NOTICE, VERSION
from scripts.command_plugin.resources import CONNECTION, PROXY, RESOURCES
from scripts.command_plugin.schema_types import Field, Kind, Shape

_TYPES = {"command:remote:Connection": CONNECTION, "command:remote:ProxyConnection": PROXY}


def schema() -> str:
    """Return the package's schema as JSON."""
    return json.dumps(
        {
            "name": "command",
            "version": VERSION,
            "displayName": "Command",
            "description": NOTICE,
            "config": {},
            "types": {token: {"type": "object", **_object(s)} for token, s in _TYPES.items()},
            "provider": {"type": "object"},
            "resources": {
                resource.token: {
                    **_object(resource.state),
                    "inputProperties": _properties(resource.inputs),
                    "requiredInputs": _required(resource.inputs),
                }
                for resource in RESOURCES.values()
            },
        }
    )


def _object(shape: Shape) -> dict[str, Any]:
    return {"properties": _properties(shape), "required": _required(shape)}


def _required(shape: Shape) -> list[str]:
    return sorted(field.name for field in shape if field.required)


def _properties(shape: Shape) -> dict[str, Any]:
    return {field.name: _property(field) for field in shape}


def _property(field: Field) -> dict[str, Any]:
    description: dict[str, Any] = _type(field.kind)
    if field.default is not None:
        description["default"] = field.default
    if field.secret:
        description["secret"] = True
    if field.replaces:
        description["replaceOnChanges"] = True
    return description


def _type(kind: Kind | Shape) -> dict[str, Any]:
    if isinstance(kind, Shape):
        token = next(token for token, shape in _TYPES.items() if shape is kind)
        return {"$ref": f"#/types/{token}"}
    if kind.items is not None:
        if kind.python_type is list:
            return {"type": "array", "items": _type(kind.items)}
        return {"type": "object", "additionalProperties": _type(kind.items)}
    return {"$ref": kind.schema} if "#" in kind.schema else {"type": kind.schema}
