"""Property values: their encoding between the engine and a plugin, and their meaning here.

Plain JSON values stand for themselves. `Marked` is a value that is secret or not yet known, `Asset`
a file, a text or an archive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from google.protobuf import struct_pb2

# The signatures are part of the protocol: they mark a structure as a special value.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a signature, no password
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Value: TypeAlias = Any
Properties: TypeAlias = dict[str, Value]


@dataclass(frozen=True)
class Marked:
    """A value that is secret, or unknown (then without a value), or both."""

    value: Value = None
    secret: bool = False
    known: bool = True


UNKNOWN = Marked(known=False)


@dataclass(frozen=True)
class Asset:
    """A file, a text, remote content, or an archive of them, identified by its digest."""

    archive: bool
    digest: str = field(default="", repr=False)
    path: str = field(default="", compare=False)
    text: str = field(default="", compare=False, repr=False)
    uri: str = field(default="", compare=False)
    assets: "Mapping[str, Asset]" = field(default_factory=dict, compare=False)


def is_unknown(value: Value) -> bool:
    """Whether the value itself is unknown."""
    return isinstance(value, Marked) and not value.known


def secret(value: Value) -> Marked:
    """Mark a value as secret, whatever its existing marks."""
    return replace(value, secret=True) if isinstance(value, Marked) else Marked(value, secret=True)


def bare(value: Value) -> Value:
    """Remove the mark of the value itself, keeping nested ones; an unknown becomes None."""
    return value.value if isinstance(value, Marked) else value


def reveal(value: Value) -> Value:
    """Remove every mark; unknowns become None."""
    value = bare(value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def without_nulls(value: Value) -> Value:
    """Drop null properties of objects: the engine treats them as absent."""
    if isinstance(value, Marked):
        return replace(value, value=without_nulls(value.value))
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def decode(struct: struct_pb2.Struct) -> Properties:
    """Decode properties from a message."""
    return {key: _decode(item) for key, item in struct.fields.items()}


def _decode(message: struct_pb2.Value) -> Value:
    match message.WhichOneof("kind"):
        case "string_value":
            text = message.string_value
            return UNKNOWN if text == UNKNOWN_TEXT else text
        case "number_value":
            return message.number_value
        case "bool_value":
            return message.bool_value
        case "list_value":
            return [_decode(item) for item in message.list_value.values]
        case "struct_value":
            return _decode_object(message.struct_value)
        case _:
            return None


def _decode_object(struct: struct_pb2.Struct) -> Value:
    fields = decode(struct)
    match fields.pop(SIGNATURE, None):
        case None:
            return fields
        case str(signature) if signature == SECRET:
            return secret(fields.get("value"))
        case str(signature) if signature == OUTPUT:
            value = fields.get("value", UNKNOWN)
            return secret(value) if fields.get("secret") else value
        case str(signature) if signature in (ASSET, ARCHIVE):
            return Asset(
                archive=signature == ARCHIVE,
                digest=fields.get("hash") or "",
                path=fields.get("path") or "",
                text=fields.get("text") or "",
                uri=fields.get("uri") or "",
                assets=fields.get("assets") or {},
            )
        case signature:
            return {SIGNATURE: signature, **fields}


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Encode properties into a message."""
    return struct_pb2.Struct(fields={key: _encode(item) for key, item in properties.items()})


def _encode(value: Value) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case list():
            values = [_encode(item) for item in value]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=values))
        case Marked(known=False, secret=False):
            return struct_pb2.Value(string_value=UNKNOWN_TEXT)
        case Marked(known=False):
            return _encode({SIGNATURE: OUTPUT, "secret": True})
        case Marked(secret=True):
            return _encode({SIGNATURE: SECRET, "value": value.value})
        case Marked():
            return _encode(value.value)
        case Asset():
            return _encode(_asset_object(value))
        case _:
            return struct_pb2.Value(struct_value=encode(value))


def _asset_object(asset: Asset) -> Properties:
    common = {"hash": asset.digest, "path": asset.path, "uri": asset.uri}
    if asset.archive:
        return {SIGNATURE: ARCHIVE, "assets": dict(asset.assets), **common}
    return {SIGNATURE: ASSET, "text": asset.text, **common}
