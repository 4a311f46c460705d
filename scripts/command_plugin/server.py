"""The plugin's gRPC server: it receives calls and returns results and failures."""

import importlib
import operator
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from scripts.command_plugin.protocol import SERVICE, provider_pb2
from scripts.command_plugin.provider import CommandProvider
from scripts.command_plugin.running_operation import Failure

# Each call that waits for a command occupies a thread; idle threads are reused first. There are so
# many that an engine never waits for one, least of all for Cancel.
THREADS = 4096
# A message may be as large as a command's output.
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# Idle time of the engine after which to prepare for executing commands.
QUIET_SECONDS = 0.2

_REQUESTS: dict[str, type[Message]] = {
    "GetPluginInfo": empty_pb2.Empty,
    "GetSchema": provider_pb2.GetSchemaRequest,
    "CheckConfig": provider_pb2.CheckRequest,
    "Configure": provider_pb2.ConfigureRequest,
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Read": provider_pb2.ReadRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
    "Cancel": empty_pb2.Empty,
}


class Server:
    """Serves a provider on a free port of loopback."""

    def __init__(self, provider: CommandProvider) -> None:
        calls: dict[str, Callable[[Any], Message]] = {
            "GetPluginInfo": provider.get_plugin_info,
            "GetSchema": provider.get_schema,
            "CheckConfig": provider.check_config,
            "Configure": provider.configure,
            "Check": provider.check,
            "Diff": provider.diff,
            "Create": provider.create,
            "Read": provider.read,
            "Update": provider.update,
            "Delete": provider.delete,
            "Cancel": provider.cancel,
        }
        self._called = threading.Event()
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._handler(call),
                request_deserializer=_REQUESTS[name].FromString,
                response_serializer=operator.methodcaller("SerializeToString"),
            )
            for name, call in calls.items()
        }
        self._server = grpc.server(ThreadPoolExecutor(THREADS, "call"), options=_OPTIONS)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, handlers),)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def start(self) -> None:
        """Start serving."""
        self._server.start()
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()

    def _handler(self, call: Callable[[Any], Message]) -> Callable[[Any, Any], Message]:
        def handle(request: Any, context: grpc.ServicerContext) -> Message:
            self._called.set()
            try:
                return call(request)
            except Failure as failure:
                context.abort(failure.code, str(failure))
            except Exception as error:  # The engine has to show it.
                location = traceback.extract_tb(error.__traceback__)[-1]
                context.abort(
                    grpc.StatusCode.INTERNAL,
                    f"bug in the stand-in for pulumi-resource-command: {error!r} "
                    f"at {location.filename}:{location.lineno}",
                )
            raise AssertionError("abort raises")

        return handle

    def _prepare(self) -> None:
        """Import the SSH modules while the engine is busy elsewhere, never while it waits for us.

        A preview needs none of them, and sends its calls without a pause.
        """
        self._called.wait()
        while self._called.wait(QUIET_SECONDS):
            self._called.clear()
        importlib.import_module("scripts.command_plugin.authentication")
