"""Messages of a dynamic provider to the engine, which shows them beside the resource.

By itself the engine shows no output of a dynamic provider. It passes its own address on the command
line of the provider process, and accepts messages about a resource there, as it does from every
plugin. If the engine cannot be reached, messages go to stderr, which it shows as well.
"""

import sys
from functools import cache
from typing import Any

CALL_SECONDS = 5


class EngineLog:
    """The messages about one resource; `urn` may be empty."""

    def __init__(self, urn: str) -> None:
        self._urn = urn

    def __call__(self, text: str, *, ephemeral: bool) -> None:
        """Show a message; an ephemeral one only until the next."""
        stub = _engine()
        if stub is None:
            return
        import grpc
        from pulumi.runtime.proto import engine_pb2

        request = engine_pb2.LogRequest(
            severity=engine_pb2.INFO, message=text, urn=self._urn, ephemeral=ephemeral
        )
        try:
            stub.Log(request, timeout=CALL_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(f"{text}\n")


@cache
def _engine() -> Any:
    """The engine that started this process; None outside a provider process."""
    address = sys.argv[-1]
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return None
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    # The SDK's generated stubs have no types.
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
