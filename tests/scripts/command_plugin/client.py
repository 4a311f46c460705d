"""A plugin's process, and the engine's calls to it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.scripts.command_plugin.engine import EngineLog
from tests.scripts.command_plugin.values import Properties, from_struct, to_struct

TOP = Path(__file__).resolve().parents[3]
REMOTE = "command:remote:Command"
COPY = "command:remote:CopyToRemote"
LOCAL = "command:local:Command"
# Generous: a plugin that needs longer to answer hangs.
CALL_SECONDS = 120


STAND_IN = (sys.executable, "-m", "scripts.command_plugin")


def under_test() -> tuple[str, ...]:
    """Give the command that starts the plugin under test; without a choice, the stand-in."""
    chosen = os.environ.get("PULUMI_COMMAND_PLUGIN")
    return tuple(shlex.split(chosen)) if chosen else STAND_IN


def urn(token: str, name: str) -> str:
    """Give the name that the engine has for a resource."""
    return f"urn:pulumi:test::conformance::{token}::{name}"


class Plugin:
    """A running plugin, configured by a fake engine."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.log = EngineLog()
        # The user who runs the tests may have an agent, whose keys would be used.
        inherited = {name: os.environ[name] for name in os.environ if name != "SSH_AUTH_SOCK"}
        self.process = subprocess.Popen(
            [*(command or under_test()), self.log.address],
            cwd=TOP,
            env={**inherited, **(environment or {})},
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        port = self.process.stdout.readline().decode().strip()
        assert port.isdigit(), f"the plugin said {port!r} instead of its port"
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)]
        )
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def stop(self) -> None:
        """End the process in the way the engine does."""
        self._channel.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.stop()

    def configure(self) -> Any:
        """Configure the plugin as the engine does for a program without settings for it."""
        return self._call(
            "Configure",
            provider_pb2.ConfigureRequest(
                acceptSecrets=True,
                acceptResources=True,
                sends_old_inputs=True,
                sends_old_inputs_to_delete=True,
            ),
        )

    def check(self, token: str, inputs: Properties, *, name: str = "thing") -> Any:
        """Have inputs checked; give the raw answer."""
        return self._call(
            "Check",
            provider_pb2.CheckRequest(
                urn=urn(token, name), news=to_struct(inputs), randomSeed=b"x"
            ),
        )

    def checked(self, token: str, inputs: Properties) -> dict[str, Any]:
        """Have good inputs checked; give them with their defaults."""
        answer = self.check(token, inputs)
        assert not answer.failures, list(answer.failures)
        return from_struct(answer.inputs)

    def diff(
        self,
        token: str,
        state: Properties,
        old_inputs: Properties,
        new_inputs: Properties,
        *,
        ignore: Sequence[str] = (),
    ) -> Any:
        """Have old and new inputs compared; give the raw answer."""
        return self._call(
            "Diff",
            provider_pb2.DiffRequest(
                id="thing1",
                urn=urn(token, "thing"),
                olds=to_struct(state),
                old_inputs=to_struct(old_inputs),
                news=to_struct(new_inputs),
                ignoreChanges=list(ignore),
            ),
        )

    def create(
        self,
        token: str,
        inputs: Properties,
        *,
        name: str = "thing",
        preview: bool = False,
        timeout: float = 0,
    ) -> tuple[str, dict[str, Any]]:
        """Create a resource from checked inputs; give its id and properties."""
        answer = self._call(
            "Create",
            provider_pb2.CreateRequest(
                urn=urn(token, name),
                properties=to_struct(inputs),
                preview=preview,
                timeout=timeout,
            ),
        )
        return answer.id, from_struct(answer.properties)

    def update(
        self,
        token: str,
        state: Properties,
        inputs: Properties,
        *,
        name: str = "thing",
        preview: bool = False,
    ) -> dict[str, Any]:
        """Update a resource; give its new properties."""
        answer = self._call(
            "Update",
            provider_pb2.UpdateRequest(
                id="thing1",
                urn=urn(token, name),
                olds=to_struct(state),
                news=to_struct(inputs),
                preview=preview,
            ),
        )
        return from_struct(answer.properties)

    def delete(self, token: str, state: Properties, *, name: str = "thing") -> None:
        """Delete a resource."""
        self._call(
            "Delete",
            provider_pb2.DeleteRequest(
                id="thing1", urn=urn(token, name), properties=to_struct(state)
            ),
        )

    def read(self, token: str, state: Properties, inputs: Properties) -> Any:
        """Read a resource; give the raw answer."""
        return self._call(
            "Read",
            provider_pb2.ReadRequest(
                id="thing1",
                urn=urn(token, "thing"),
                properties=to_struct(state),
                inputs=to_struct(inputs),
            ),
        )

    def cancel(self) -> None:
        """Tell the plugin that its engine was interrupted."""
        self._call("Cancel", empty_pb2.Empty())

    def information(self) -> Any:
        """Ask the plugin for its version."""
        return self._call("GetPluginInfo", empty_pb2.Empty())

    def schema(self) -> str:
        """Ask the plugin for its schema."""
        return str(self._call("GetSchema", provider_pb2.GetSchemaRequest(version=0)).schema)

    def _call(self, method: str, request: Any) -> Any:
        return getattr(self.stub, method)(request, timeout=CALL_SECONDS)
