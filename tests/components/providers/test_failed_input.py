"""Resources that depend on a failed resource, with the real engine."""

import json
from pathlib import Path

import pytest

from tests.components.providers.source import FAIL
from tests.ops.kube.api_server import Api
from tests.small_stack import Finished, Stack

pytestmark = pytest.mark.slow

PROGRAM = """
import pulumi

from components.providers.certificate_authority import (
    CertificateAuthority,
    CertificateAuthorityArgs,
)
from components.providers.client_certificate import ClientCertificate, ClientCertificateArgs
from components.providers.health_check import ClusterHealthCheck, ClusterHealthCheckArgs
from tests.components.providers.source import Source, SourceArgs

config = pulumi.Config()
source = Source("source", SourceArgs(value=config.require("value")))
# A missing common name must not replace it, nor delete the certificate that needs it.
authority = CertificateAuthority(
    "authority", CertificateAuthorityArgs(common_name=source.given, valid_seconds=86400)
)
ClientCertificate(
    "certificate",
    ClientCertificateArgs(
        issuer=authority.id,
        authority=pulumi.Output.all(
            cert_pem=authority.certificate, key_pem=authority.private_key
        ),
        common_name="admin",
        organizations=[],
        valid_seconds=3600,
    ),
)
ClusterHealthCheck(
    "observation",
    ClusterHealthCheckArgs(
        cluster="a",
        identity=config.require_object("identity"),
        nodes=[],
        machine_ids=pulumi.Output.all(source.id, source.given),
        rolled=source.given,
        deadline_seconds=0,
    ),
)
"""
DEPENDENTS = {"authority", "certificate", "observation"}


@pytest.fixture
def stack(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Four resources, made; a failure does not stop a run."""
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    dns = {"metadata": {"name": "dns"}, "spec": {"nodeName": "a"}, **ready}
    api.answers["GET /api/v1/nodes"] = (200, {"items": []})
    api.answers["GET /api/v1/namespaces/kube-system/pods"] = (200, {"items": [dns]})
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(value="first", identity=json.dumps(api.identity))
    made = stack.up()
    assert made.status == 0, made.output
    assert set(steps(made)) == {"source", *DEPENDENTS}
    return stack


def steps(finished: Finished) -> dict[str, str]:
    return finished.steps()


def test_dependents_of_a_failure_are_unchanged_and_only_the_failure_is_reported(
    stack: Stack,
) -> None:
    stack.configure(value=FAIL)
    failed = stack.up()
    assert failed.status != 0
    assert "failed on request" in failed.output
    assert "Traceback" not in failed.output
    assert steps(failed) == {"source": "update"}


def test_dependents_follow_once_the_failure_is_fixed(stack: Stack) -> None:
    stack.configure(value=FAIL)
    stack.up()
    stack.configure(value="second")
    shown, done = stack.preview(), stack.up()
    for finished in (shown, done):
        assert finished.status == 0, finished.output
        assert set(steps(finished)) == {"source", *DEPENDENTS}
