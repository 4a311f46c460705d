"""The handlers of the engine's calls, one method per call."""

import os

import grpc
from google.protobuf import empty_pb2

from scripts.command_plugin import NOTICE, VERSION, diff, previews
from scripts.command_plugin.copy_to_remote import problems_of
from scripts.command_plugin.execution import apply, delete
from scripts.command_plugin.plugin_log import PluginLog
from scripts.command_plugin.protocol import engine_pb2, plugin_pb2, provider_pb2
from scripts.command_plugin.resources import COPY, RESOURCES, Resource
from scripts.command_plugin.running_operation import Failure, RunningOperations
from scripts.command_plugin.schema_types import Shape, decoding
from scripts.command_plugin.values import Properties, bare, decode, encode, without_nulls


class CommandProvider:
    """Serves the resources. Any number of calls may be in progress at the same time."""

    def __init__(self, log: PluginLog) -> None:
        self._log = log
        self._operations = RunningOperations()
        self._gets_old_inputs = False

    def get_plugin_info(self, _request: empty_pb2.Empty) -> "plugin_pb2.PluginInfo":
        """Return the plugin's version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def get_schema(
        self, _request: "provider_pb2.GetSchemaRequest"
    ) -> "provider_pb2.GetSchemaResponse":
        """Describe the resources for code generators."""
        from scripts.command_plugin.schema import schema

        return provider_pb2.GetSchemaResponse(schema=schema())

    def check_config(self, request: "provider_pb2.CheckRequest") -> "provider_pb2.CheckResponse":
        """Accept the plugin's own config: it has no settings."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def configure(
        self, request: "provider_pb2.ConfigureRequest"
    ) -> "provider_pb2.ConfigureResponse":
        """Negotiate protocol features with the engine."""
        self._gets_old_inputs = request.sends_old_inputs and request.sends_old_inputs_to_delete
        self._log.send(engine_pb2.DEBUG, NOTICE)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    def check(self, request: "provider_pb2.CheckRequest") -> "provider_pb2.CheckResponse":
        """Validate inputs; return them with defaults, and with secret fields marked."""
        resource = _resource(request.urn)
        inputs = decode(request.news)
        problems = resource.inputs.problems(inputs)
        if not problems:
            inputs = resource.inputs.with_defaults(without_nulls(inputs))
        if resource is COPY:
            problems += problems_of(bare(inputs.get("source")))
        return provider_pb2.CheckResponse(
            inputs=encode(resource.inputs.with_secrets(inputs)),
            failures=[
                provider_pb2.CheckFailure(property=problem.field, reason=problem.reason)
                for problem in problems
            ],
        )

    def diff(self, request: "provider_pb2.DiffRequest") -> "provider_pb2.DiffResponse":
        """Compare inputs."""
        resource = _resource(request.urn)
        state = decode(request.olds)
        old = decode(request.old_inputs)
        if not self._gets_old_inputs:
            old = {field.name: state.get(field.name) for field in resource.inputs}
        new = diff.with_ignored(decode(request.news), state, list(request.ignoreChanges))
        for name in list(new):
            if name == "version" or name.startswith("__"):
                del new[name]
        return diff.compare(resource, old, new)

    def create(self, request: "provider_pb2.CreateRequest") -> "provider_pb2.CreateResponse":
        """Run `create`, or copy."""
        resource = _resource(request.urn)
        inputs = without_nulls(decode(request.properties))
        _require(resource.inputs, inputs, "invalid inputs: ")
        if request.preview:
            state = previews.created(resource, inputs)
        else:
            with self._operations.start(self._log.about(request.urn), request.timeout) as operation:
                state = apply(resource, inputs, None, operation)
        return provider_pb2.CreateResponse(id=_new_id(resource, request), properties=encode(state))

    def read(self, request: "provider_pb2.ReadRequest") -> "provider_pb2.ReadResponse":
        """Return the state unchanged: a command's effect cannot be read back."""
        resource = _resource(request.urn)
        for shape, values in (
            (resource.inputs, request.inputs),
            (resource.state, request.properties),
        ):
            problems = shape.problems(decode(values))
            if invalid := [problem for problem in problems if not problem.missing]:
                raise Failure(decoding(invalid))
        return provider_pb2.ReadResponse(
            id=request.id, properties=request.properties, inputs=request.inputs
        )

    def update(self, request: "provider_pb2.UpdateRequest") -> "provider_pb2.UpdateResponse":
        """Run `update`, or `create` if there is no `update`, or copy what has changed."""
        resource = _resource(request.urn)
        old = decode(request.olds)
        _require(resource.state, old)
        inputs = without_nulls(decode(request.news))
        inputs = diff.with_ignored(inputs, old, list(request.ignoreChanges))
        _require(resource.inputs, inputs)
        if request.preview:
            state = previews.updated(resource, old, inputs)
        else:
            with self._operations.start(self._log.about(request.urn), request.timeout) as operation:
                state = apply(resource, inputs, old, operation)
        return provider_pb2.UpdateResponse(properties=encode(state))

    def delete(self, request: "provider_pb2.DeleteRequest") -> empty_pb2.Empty:
        """Run `delete`. Copies are kept."""
        resource = _resource(request.urn)
        state = decode(request.properties)
        if resource is not COPY:
            _require(resource.state, state)
            with self._operations.start(self._log.about(request.urn), request.timeout) as operation:
                delete(resource, state, operation)
        return empty_pb2.Empty()

    def cancel(self, _request: empty_pb2.Empty) -> empty_pb2.Empty:
        """Cancel everything in progress, and all later operations."""
        self._operations.cancel()
        return empty_pb2.Empty()

    def end(self, seconds: float) -> None:
        """Cancel everything, and wait at most this long until it has ended."""
        self._operations.cancel()
        self._operations.wait(seconds)


def _resource(urn: str) -> Resource:
    """Return a resource's type from its URN."""
    token = urn.split("::")[2].rpartition("$")[2]
    if token not in RESOURCES:
        name = token.partition(":")[2]
        raise Failure(f"Resource '{name}' not found", grpc.StatusCode.NOT_FOUND)
    return RESOURCES[token]


def _new_id(resource: Resource, request: "provider_pb2.CreateRequest") -> str:
    if resource is not COPY:
        return request.urn.split("::", 3)[3] + os.urandom(4).hex()
    return "" if request.preview else os.urandom(4).hex()


def _require(shape: Shape, values: Properties, prefix: str = "") -> None:
    if problems := shape.problems(values):
        raise Failure(prefix + decoding(problems))
