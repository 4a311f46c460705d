"""The KMS plugin of the tests, called as API servers do."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.e2e.kms_plugin import SERVICE, Keys, Message, Plugin, decoded, encoded

TEXT = b"t" * 300


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    made = Plugin(Keys(), tmp_path / "missing" / "kms.sock")
    made.start()
    yield made
    made.stop()


def call(plugin: Plugin, method: str, request: Message) -> Message:
    with grpc.insecure_channel(f"unix:{plugin.socket}") as channel:
        send = channel.unary_unary(
            f"/{SERVICE}/{method}", request_serializer=encoded, response_deserializer=decoded
        )
        answer: Message = send(request, timeout=5)
        return answer


def test_a_message_is_on_the_wire_as_protobuf_has_it() -> None:
    assert encoded({1: b"v2", 3: TEXT}) == b"\x0a\x02v2\x1a\xac\x02" + TEXT
    assert decoded(encoded({1: b"v2", 3: TEXT})) == {1: b"v2", 3: TEXT}


def test_what_a_former_key_encrypted_is_decrypted_until_that_is_deleted(plugin: Plugin) -> None:
    assert call(plugin, "Status", {}) == {1: b"v2", 2: b"ok", 3: b"key-1"}
    encrypted = call(plugin, "Encrypt", {1: TEXT, 2: b"uid"})
    assert encrypted[2] == b"key-1" and TEXT not in encrypted[1]
    assert plugin.keys.replace() == "key-2"
    assert call(plugin, "Status", {})[3] == b"key-2"
    request = {1: encrypted[1], 3: encrypted[2]}
    assert call(plugin, "Decrypt", request) == {1: TEXT}
    plugin.keys.delete("key-1")
    with pytest.raises(grpc.RpcError, match="no such key: key-1"):
        call(plugin, "Decrypt", request)


def test_a_plugin_can_be_stopped_and_started_over_its_own_socket(plugin: Plugin) -> None:
    plugin.stop()
    with pytest.raises(grpc.RpcError):
        call(plugin, "Status", {})
    plugin.socket.touch()
    plugin.start()
    assert call(plugin, "Status", {})[2] == b"ok"
