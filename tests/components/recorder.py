"""Runs the program against a recorder instead of the engine, and returns what it registers.

The recorder keeps every field of a request (parent, dependencies, protection, secrets), some of
which Pulumi's own mocks drop. Resources that only compute (keys, certificates) are really created,
so that a test can search for their key material; machines and objects in a cluster are fake.
"""

import asyncio
import hashlib
import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack

from components.providers.aggregated_api import AggregatedApiProvider, issue
from components.providers.base import Provider
from components.providers.certificate_authority import (
    CertificateAuthorityProvider,
    ServiceAccountKeyProvider,
)
from components.providers.client_certificate import ClientCertificateProvider
from components.providers.encryption_keys import EncryptionKeysProvider
from components.providers.initialization import InitializationProvider
from components.providers.membership import MembershipProvider
from components.providers.port_check import PortCheckProvider
from components.providers.rollout import RolloutProvider
from components.providers.ssh_key import SshKeyProvider
from components.providers.step import StepProvider
from tests.components.graph import Graph, RecordedResource

PROGRAM = Path(__file__).parents[2] / "__main__.py"
DYNAMIC = "pulumi-python:dynamic/kubeadm-fleet:"
# How the engine marks a value that is secret, on the wire.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
COMPUTED: dict[str, type[Provider[Any, Any]]] = {
    "CertificateAuthority": CertificateAuthorityProvider,
    "ClientCertificate": ClientCertificateProvider,
    "EncryptionKeys": EncryptionKeysProvider,
    "Initialization": InitializationProvider,
    "Membership": MembershipProvider,
    "ServiceAccountKey": ServiceAccountKeyProvider,
    "SshKey": SshKeyProvider,
}
# Kinds whose outputs outlast other inputs.
UPDATED: dict[str, type[Provider[Any, Any]]] = {
    "CertificateAuthority": CertificateAuthorityProvider,
    "ServiceAccountKey": ServiceAccountKeyProvider,
    "EncryptionKeys": EncryptionKeysProvider,
}
# Inputs that the providers of these kinds keep out of the state.
GIVEN = {
    "AggregatedApi": AggregatedApiProvider.given,
    "ClientCertificate": ClientCertificateProvider.given,
    "PortCheck": PortCheckProvider.given,
    "Rollout": RolloutProvider.given,
    "Step": StepProvider.given,
}


def run(
    config: Any,
    before: Graph | None = None,
    secrets: dict[str, str] | None = None,
    given: Mapping[str, dict[str, Any]] | None = None,
) -> Graph:
    """Return what the program registers for `config`, the value of `kubeadm-fleet:fleet`.

    With `before`, resources whose inputs are the same keep the outputs that they had there.
    `given` are outputs by kind, instead of those that are made up.
    """
    recorder = Recorder(before, given or {})
    # As set_mocks does, without the stack resource that it registers outside of a run.
    settings = mocks.MockSettings(  # type: ignore[no-untyped-call]  # Pulumi's, without types
        monitor=recorder,
        monitor_features=recorder.features,
        engine=mocks.MockEngine(None),
        project="kubeadm-fleet",
        stack="test",
        dry_run=False,
        organization=None,
        callbacks=None,
    )
    configure(settings)
    set_root_resource(None)  # type: ignore[arg-type]  # the run makes its own
    values = {f"kubeadm-fleet:{key}": value for key, value in (secrets or {}).items()}
    set_all_config({**values, "kubeadm-fleet:fleet": json.dumps(config)}, list(values))
    try:
        asyncio.run(run_in_stack(_program))
    except pulumi.RunError as error:
        recorder.graph.refusal = str(error)
    return recorder.graph


def _program() -> None:
    runpy.run_path(str(PROGRAM))


class _NoMocks(mocks.Mocks):
    """What the recorder does not leave to mocks."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program calls {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(f"the program reads {args.name}")


class Recorder(mocks.MockMonitor):
    """Answers as the engine would and notes what it was asked for."""

    def __init__(self, before: Graph | None, given: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(_NoMocks())
        self.graph = Graph()
        self._before = before
        self._given = given

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        wire = json_format.MessageToDict(request.object)
        inputs = {key: _plain(value) for key, value in wire.items() if key != "__provider"}
        given = {key: inputs.pop(key) for key in GIVEN.get(request.type.removeprefix(DYNAMIC), ())}
        inputs |= self._kept(urn, inputs)
        registered = RecordedResource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            dependencies=frozenset(request.dependencies),
            inputs=inputs,
            given=given,
            secret_inputs=frozenset(key for key, value in wire.items() if _is_secret(value)),
            visible=json.dumps({key: _visible(each) for key, each in wire.items()}),
            secret_outputs=frozenset(request.additionalSecretOutputs),
            protect=request.protect,
            deleted_with=request.deletedWith,
            stack=tuple(frame.pc.uri for frame in request.stackTrace.frames),
        )
        registered.outputs = self._outputs(registered)
        self.graph.add(registered)
        hidden = registered.secret_outputs | registered.secret_inputs
        wire_outputs = {
            key: {SIGNATURE: SECRET, "value": value} if key in hidden else value
            for key, value in registered.outputs.items()
        }
        identity = registered.outputs.get("machine_id") or f"id of {request.name}"
        answer = resource_pb2.RegisterResourceResponse(urn=urn, id=identity)
        answer.object.update(wire_outputs)
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        wire = json_format.MessageToDict(request.outputs)
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.graph.outputs = {key: _plain(value) for key, value in wire.items()}
            self.graph.secret_outputs = {key for key, value in wire.items() if _is_secret(value)}
        else:
            name = request.urn.rpartition("::")[2]
            self.graph.registered[name] = {key: _plain(value) for key, value in wire.items()}
        return empty_pb2.Empty()

    def _kept(self, urn: str, inputs: dict[str, Any]) -> dict[str, Any]:
        known = self._before.by_urn.get(urn) if self._before else None
        # To a machine's provider another table of files alone is no change.
        return {"files": known.inputs["files"]} if known and "files" in inputs else {}

    @property
    def features(self) -> set[int]:
        """What the engine is able to do."""
        info = self.GetDeploymentInfo(None)  # type: ignore[no-untyped-call]  # Pulumi's
        return set(info.supportedFeatures)

    def _outputs(self, registered: RecordedResource) -> dict[str, Any]:
        known = self._before.by_urn.get(registered.urn) if self._before else None
        if known and known.inputs == registered.inputs:
            return known.outputs
        if known and registered.kind in UPDATED:
            provider = UPDATED[registered.kind]()
            checked = provider.check(known.outputs, registered.inputs).inputs
            return provider.update("id", known.outputs, checked).outs or {}
        given = self._given.get(registered.kind, {})
        return {**_make(registered), **given} if registered.custom else {}


def _make(registered: RecordedResource) -> dict[str, Any]:
    kind, inputs = registered.type.removeprefix(DYNAMIC), registered.inputs
    if kind in COMPUTED:
        provider = COMPUTED[kind]()
        checked = provider.check({}, {**inputs, **registered.given}).inputs
        return provider.create(checked).outs or {}
    identity = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]
    if kind == "AggregatedApi":
        issued: Any = {**inputs, **registered.given}
        return {**inputs, "certificate": issue(issued).cert_pem, "digest": "a digest"}
    made: dict[str, dict[str, Any]] = {
        "ContainerMachine": {"machine_id": identity, "host_key": f"ssh-ed25519 {identity}"},
        "Bridge": {"bridge": f"kf{identity}", "gateway": "192.0.2.1"},
        "ExistingHost": {"machine_id": identity},
        "Manifests": {"applied": [], "changed": "", "waiting": {}},
        "ClusterHealthCheck": {
            "observed": {"nodes": [{"name": inputs.get("cluster")}], "missing": []}
        },
        "Rollout": {"found": {}, "rolled": "", "drift": {}, "unavailable": {}, "waiting": {}},
        "EtcdSnapshot": {"condition": "delivered"},
        "PortCheck": {"passed": {}},
        "HandOff": {
            "issued": "2026-11-27T00:00:00+00:00",
            "expires": "2099-11-27T00:00:00Z",
            "key": "a key",
            "digest": "a digest",
        },
        "Wave": {"hold": {}},
        "Step": {"ran_in": registered.given.get("run")},
    }
    return {**inputs, **made[kind]}


def _is_secret(wire: Any) -> bool:
    return isinstance(wire, dict) and wire.get(SIGNATURE) == SECRET


def _plain(wire: Any) -> Any:
    """Return the value without its markers of secrets."""
    if _is_secret(wire):
        return _plain(wire["value"])
    if isinstance(wire, dict):
        return {key: _plain(value) for key, value in wire.items()}
    if isinstance(wire, list):
        return [_plain(value) for value in wire]
    return wire


def _visible(wire: Any) -> Any:
    """The value as a preview shows it."""
    if _is_secret(wire):
        return "[secret]"
    if isinstance(wire, dict):
        return {key: _visible(value) for key, value in wire.items()}
    if isinstance(wire, list):
        return [_visible(value) for value in wire]
    return wire
