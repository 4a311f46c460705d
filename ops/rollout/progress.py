"""What a person sees beside the rollout while it works: each step on each machine.

The engine shows nothing of a dynamic provider by itself. It passes its own address on the command
line of the process in which providers run, and takes messages about a resource there, as it does
from every plugin. Where that cannot be used, messages go to stderr, which the engine shows as well.
"""

import sys
import time
from functools import cache
from typing import Any

CALL_SECONDS = 5


class Progress:
    """The messages about one resource; `urn` may be empty."""

    def __init__(self, urn: str) -> None:
        self._urn = urn
        self._began = time.monotonic()

    def step(self, machine: str, text: str) -> None:
        """Show what is being done now; it stays until the next."""
        self._send(f"{machine}: {text}", passing=True)

    def done(self, machine: str, text: str) -> None:
        """Show what was done; it stays in the run's summary."""
        self._send(f"{machine}: {text}", passing=False)

    def say(self, text: str) -> None:
        """Show something about the cluster; it stays in the run's summary."""
        self._send(text, passing=False)

    def seconds(self) -> float:
        """How long this has been going on."""
        return time.monotonic() - self._began

    def _send(self, text: str, *, passing: bool) -> None:
        stub = _engine()
        if stub is None:
            return
        import grpc
        from pulumi.runtime.proto import engine_pb2

        request = engine_pb2.LogRequest(
            severity=engine_pb2.INFO, message=text, urn=self._urn, ephemeral=passing
        )
        try:
            stub.Log(request, timeout=CALL_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(f"{text}\n")


@cache
def _engine() -> Any:
    """The engine that started this process; None where it is no provider's process."""
    address = sys.argv[-1]
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return None
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    # The SDK's generated stubs have no types.
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
