"""The encoding of property values between engine and plugin."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

Properties = Mapping[str, Any]

# Part of the engine's wire format: what marks a structure as something special, and an unknown.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def secret(value: Any) -> dict[str, Any]:
    """Mark a value as secret."""
    return {SIGNATURE: SECRET, "value": value}


def file_asset(path: str, digest: str) -> dict[str, Any]:
    """Give a file on disk, as the engine sends it: with the digest of its contents."""
    return {SIGNATURE: ASSET, "path": path, "hash": digest}


def text_asset(text: str, digest: str) -> dict[str, Any]:
    """Give a text, as the engine sends it: with its digest."""
    return {SIGNATURE: ASSET, "text": text, "hash": digest}


def file_archive(path: str, digest: str) -> dict[str, Any]:
    """Give a directory or an archive on disk, as the engine sends it."""
    return {SIGNATURE: ARCHIVE, "path": path, "hash": digest}


def to_struct(properties: Properties) -> struct_pb2.Struct:
    """Put properties into a message."""
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def from_struct(message: struct_pb2.Struct) -> dict[str, Any]:
    """Take properties out of a message, secrets still marked."""
    return dict(json_format.MessageToDict(message))


def reveal(value: Any) -> Any:
    """Take every secret's mark off a value."""
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return reveal(value["value"])
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value
