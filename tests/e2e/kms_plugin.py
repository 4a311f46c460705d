"""A KMS v2 plugin for tests: a gRPC server on a Unix socket, and the keys that it uses.

Its messages have strings and bytes only, which are encoded here.
https://github.com/kubernetes/kms/blob/v0.36.3/apis/v2/api.proto
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SERVICE = "v2.KeyManagementService"
NONCE_BYTES = 12
# Of every field: its number and this wire type (https://protobuf.dev/programming-guides/encoding/).
LENGTH_DELIMITED = 2

Message = dict[int, bytes]


class Keys:
    """The keys of a store, by id; `current` encrypts. `health` is ok, or what is wrong."""

    def __init__(self) -> None:
        self._keys = dict[str, AESGCM]()
        self.current, self.health = "", "ok"
        self.replace()

    def replace(self) -> str:
        """Encrypt with another key from now on; return its id."""
        self.current = f"key-{len(self._keys) + 1}"
        self._keys[self.current] = AESGCM(AESGCM.generate_key(256))
        return self.current

    def delete(self, key: str) -> None:
        """Make what a key has encrypted unreadable."""
        self._keys[key] = AESGCM(AESGCM.generate_key(256))

    def encrypt(self, text: bytes) -> tuple[str, bytes]:
        """Return the id of the key, and what it made of the text."""
        nonce = os.urandom(NONCE_BYTES)
        return self.current, nonce + self._keys[self.current].encrypt(nonce, text, None)

    def decrypt(self, key: str, encrypted: bytes) -> bytes:
        """Return the text; raise KeyError or InvalidTag."""
        return self._keys[key].decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], None)


class Plugin:
    """A plugin with its socket in a folder, which it makes; it runs from `start` to `stop`.

    A socket that is left there, as after a power failure, is replaced.
    """

    def __init__(self, keys: Keys, socket: Path) -> None:
        self.keys, self.socket = keys, socket
        self._server: grpc.Server | None = None

    def start(self) -> None:
        """Serve."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        self._server.add_generic_rpc_handlers([_handler(self.keys)])
        self._server.add_insecure_port(f"unix:{self.socket}")
        self._server.start()

    def stop(self) -> None:
        """End, if it runs."""
        if self._server:
            self._server.stop(grace=None).wait()
            self._server = None

    def remove(self) -> None:
        """End, and remove the folder, as a service manager does with that of a service in /run."""
        self.stop()
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def encoded(message: Message) -> bytes:
    """Return a message on the wire."""
    return b"".join(
        bytes([number << 3 | LENGTH_DELIMITED]) + _varint(len(value)) + value
        for number, value in message.items()
    )


def decoded(wire: bytes) -> Message:
    """Return the fields of a message; of a repeated one, the last."""
    found, at = Message(), 0
    while at < len(wire):
        tag, at = _read(wire, at)
        size, at = _read(wire, at)
        found[tag >> 3] = wire[at : at + size]
        at += size
    return found


def _handler(keys: Keys) -> grpc.GenericRpcHandler:
    def status(_: Message, __: grpc.ServicerContext) -> Message:
        return {1: b"v2", 2: keys.health.encode(), 3: keys.current.encode()}

    def encrypt(request: Message, _: grpc.ServicerContext) -> Message:
        key, encrypted = keys.encrypt(request[1])
        return {1: encrypted, 2: key.encode()}

    def decrypt(request: Message, context: grpc.ServicerContext) -> Message:
        key = request[3].decode()
        try:
            return {1: keys.decrypt(key, request[1])}
        except (KeyError, InvalidTag):
            context.abort(grpc.StatusCode.NOT_FOUND, f"no such key: {key}")
            raise

    methods: dict[str, Callable[[Message, grpc.ServicerContext], Message]] = {
        "Status": status,
        "Encrypt": encrypt,
        "Decrypt": decrypt,
    }
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                method, request_deserializer=decoded, response_serializer=encoded
            )
            for name, method in methods.items()
        },
    )


def _varint(number: int) -> bytes:
    last, more = number & 0x7F, number >> 7
    return bytes([last | 0x80]) + _varint(more) if more else bytes([last])


def _read(wire: bytes, at: int) -> tuple[int, int]:
    """Return a varint, and where it ends."""
    number = shift = 0
    while True:
        byte = wire[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
