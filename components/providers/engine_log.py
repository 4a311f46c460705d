"""The engine that started this provider process: messages to it, and the run that it executes.

Messages are shown beside the resource.

By itself the engine shows no output of a dynamic provider. It passes its own address on the command
line of the provider process, and accepts messages about a resource there, as it does from every
plugin. If the engine cannot be reached, messages go to stderr, which it shows as well.
"""

import sys
from functools import cache
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from ops import current_run
from ops.current_run import CurrentRun

CALL_SECONDS = 5
SDK_CALLS = 4


class EngineLog:
    """The messages about one resource; `urn` may be empty."""

    def __init__(self, urn: str) -> None:
        self._urn = urn

    def __call__(self, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        """Show a message; an ephemeral one only until the next, a warning also at the end."""
        stub = _engine()
        if stub is None:
            return
        import grpc
        from pulumi.runtime.proto import engine_pb2

        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        request = engine_pb2.LogRequest(
            severity=severity, message=text, urn=self._urn, ephemeral=ephemeral
        )
        try:
            stub.Log(request, timeout=CALL_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(f"{text}\n")


def warn(text: str, urn: str = "") -> None:
    """Show a warning, which the engine repeats at the end of the run."""
    EngineLog(urn)(text, ephemeral=False, warning=True)


def own_urn(kind: type[Resource], name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return the URN under which a dynamic resource of this kind reports; it must have a parent.

    As an ordinary output of the parent it would make the resource wait for all of the parent's
    children, of which it is one.
    """
    assert opts.parent is not None
    urn = pulumi.create_urn(name, f"pulumi-python:{kind._resource_type_name}", opts.parent)
    return pulumi.Output(set(), urn.future(), urn.is_known())  # type: ignore[arg-type]


def this_run() -> CurrentRun:
    """Return what the program recorded for the providers of this run."""
    address = _address()
    return current_run.read(address) if address else CurrentRun()


def record_failed_deletion() -> None:
    """Record for the program that a deletion failed (components/unanswered.py)."""
    if address := _address():
        current_run.record_failed_deletion(address)


def concurrent_calls() -> int:
    """Return how many calls this process serves at a time: the SDK's own launcher serves four."""
    import grpc

    # Our launcher (scripts/build/provider_launcher.py) replaces it.
    return SDK_CALLS if grpc.server.__module__ == "grpc" else sys.maxsize


def _address() -> str | None:
    """Return the engine's address; None outside a provider process."""
    address = sys.argv[-1]
    host, _, port = address.rpartition(":")
    return address if host and port.isdigit() else None


@cache
def _engine() -> Any:
    address = _address()
    if address is None:
        return None
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    # The SDK's generated stubs have no types.
    return engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
