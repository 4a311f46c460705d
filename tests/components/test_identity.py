"""The program's identity in a cluster: what a run saves of it; its renewal changes no resource."""

import json
from pathlib import Path

import pytest

from components.pki import ADMIN_HOURS
from components.providers.client_certificate import ClientCertificateProvider
from ops.kube import identity
from tests.components.conftest import stack_config
from tests.components.recorder import run
from tests.components.small_stack import Finished, Stack

FLEET = {
    "kubernetesVersion": "1.36.3",
    "clusters": {"one": {"machines": {"driver": "container", "subnet": "10.89.1.0/24"}}},
}
PROGRAM = """
import pulumi

from components import pki
from model.load import load
from tests.components.providers.source import Source, SourceArgs

config = pulumi.Config()
pki.ADMIN_HOURS = config.require_int("hours")
(cluster,) = load(config.require_object("fleet")).clusters
trust = pki.Pki("one-pki", pki.PkiArgs(cluster))
Source("user", SourceArgs(value=trust.identity))
pulumi.export("identity", trust.identity)
pulumi.export("certificate", trust.admin.certificate)
"""


def test_a_renewed_certificate_is_saved_and_changes_no_resource() -> None:
    config = stack_config("dev")
    before = run(config)
    reference = before.one("cluster1-health").inputs["identity"]
    path = identity.file(reference)
    former = path.read_text()
    admin = before.one("cluster1-admin")
    admin.outputs = ClientCertificateProvider().create(admin.inputs).outs or {}
    after = run(config, before)
    assert after.changed_from(before) == set()
    assert path.read_text() != former
    assert identity.of("test", path.read_text()) == reference


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(fleet=json.dumps(FLEET), hours=str(ADMIN_HOURS))
    return stack


def steps(finished: Finished) -> dict[str, str]:
    assert finished.status == 0, finished.output
    return finished.steps()


@pytest.mark.slow
def test_it_is_saved_by_the_real_engine_s_runs_and_renewed_without_its_users(stack: Stack) -> None:
    folder = stack.folder / "state" / "identities"
    assert set(steps(stack.preview()).values()) == {"create"}
    assert not folder.exists()

    assert "user" in steps(stack.up())
    (path,) = folder.glob("test/one-*")
    former = path.read_text()
    assert stack.outputs()["identity"]["cluster"] == "one"

    path.unlink()
    assert steps(stack.preview()) == {}
    assert path.read_text() == former

    stack.configure(hours=str(ADMIN_HOURS - 1))
    assert steps(stack.preview()) == {"one-admin": "update"}
    assert path.read_text() == former
    assert steps(stack.up()) == {"one-admin": "update"}
    assert path.read_text() != former
    assert steps(stack.up()) == {}
