"""The program's identity in a cluster, and the administrator's certificate: when they are renewed.

No renewal changes another resource, and the state holds each private key as often as it must.
"""

import base64
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from components.providers.client_certificate import ClientCertificateProvider
from model.pki import certificates
from model.render import kubeconfig as kubeconfigs
from ops.kube import identity
from ops.pulumi.deployment import Deployment
from tests.components.conftest import stack_config
from tests.components.recorder import run
from tests.small_stack import Finished, Stack

FLEET = {
    "kubernetesVersion": "1.36.3",
    "clusters": {"one": {"machines": {"driver": "container", "subnet": "10.89.1.0/24"}}},
}
PROGRAM = """
import pulumi

from components import announcement, pki
from model.load import load
from model.render import kubeconfig
from tests.components.providers.source import Source, SourceArgs

fleet = load(pulumi.Config().require_object("fleet"))
announcement.announce(fleet)
(cluster,) = fleet.clusters
trust = pki.Pki("one-pki", pki.PkiArgs(cluster))
Source("user", SourceArgs(value=trust.identity))
contexts = pulumi.Output.all(trust.context)
pulumi.export("identity", trust.identity)
pulumi.export("kubeconfig", pulumi.Output.secret(contexts.apply(kubeconfig.render)))
"""
PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----")


def lifetimes(**given: str) -> str:
    return json.dumps({**FLEET, "certificates": given})


def test_a_renewed_administrator_s_certificate_changes_no_resource() -> None:
    config = stack_config("dev")
    before = run(config)
    path = identity.file(before.one("cluster1-health").inputs["identity"])
    former = path.read_text()
    admin = before.one("cluster1-admin")
    given = ClientCertificateProvider().check({}, {**admin.inputs, **admin.given}).inputs
    admin.outputs = ClientCertificateProvider().create(given).outs or {}
    after = run(config, before)
    assert after.changed_from(before) == set()
    assert after.outputs["kubeconfig"] != before.outputs["kubeconfig"]
    assert path.read_text() == former


def test_the_program_and_the_administrator_are_different_users() -> None:
    graph = run(stack_config("dev"))
    texts = [
        graph.outputs["kubeconfig"],
        identity.file(graph.one("cluster1-health").inputs["identity"]).read_text(),
    ]
    first = [yaml.safe_load(text)["users"][0]["user"] for text in texts]
    pems = [base64.b64decode(user["client-certificate-data"]) for user in first]
    subjects = [x509.load_pem_x509_certificate(pem).subject.rfc4514_string() for pem in pems]
    assert subjects == [
        "CN=kubeadm-fleet-admin,O=kubeadm:cluster-admins",
        "CN=kubeadm-fleet,O=kubeadm:cluster-admins",
    ]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(fleet=lifetimes())
    return stack


def steps(finished: Finished) -> dict[str, str]:
    assert finished.status == 0, finished.output
    return finished.steps()


def expired(reference: identity.Identity, authority: certificates.KeyPair) -> str:
    pair = certificates.issue_client(authority, "kubeadm-fleet", [], timedelta(0))
    context = kubeconfigs.Context(
        "one", reference["server"], authority.cert_pem, pair.cert_pem, pair.key_pem
    )
    return kubeconfigs.render([context])


@pytest.mark.slow
def test_any_run_of_the_real_engine_issues_the_program_s_credential_again(stack: Stack) -> None:
    folder = stack.folder / "state" / "identities"
    assert set(steps(stack.preview()).values()) == {"create"}
    assert not folder.exists()

    assert "user" in steps(stack.up())
    (path,) = folder.glob("test/one-*")
    former = path.read_text()
    reference = stack.outputs()["identity"]
    assert reference["cluster"] == "one"
    assert steps(stack.preview()) == {}
    assert path.read_text() == former

    path.unlink()
    assert steps(stack.preview()) == {}
    identity.connect(reference)

    found = Deployment(stack.state("--show-secrets")).authority_of(reference)
    assert found
    path.write_text(expired(reference, found[0]))
    assert steps(stack.preview()) == {}
    identity.connect(reference)


@pytest.mark.slow
def test_a_due_certificate_of_the_administrator_is_renewed_by_an_up_and_shown_by_no_preview(
    stack: Stack,
) -> None:
    steps(stack.up())
    former = stack.outputs("--show-secrets")["kubeconfig"]
    assert steps(stack.up()) == {}
    stack.configure(fleet=lifetimes(admin="8h"))
    assert steps(stack.preview()) == {"one-admin": "update"}
    assert steps(stack.up()) == {"one-admin": "update"}
    renewed = stack.outputs("--show-secrets")["kubeconfig"]
    assert renewed != former

    stack.replace_state(re.sub('"expires": "20..-', '"expires": "2001-', stack.state()))
    assert steps(stack.preview()) == {}
    assert stack.outputs("--show-secrets")["kubeconfig"] == renewed
    assert steps(stack.up()) == {"one-admin": "update"}
    assert stack.outputs("--show-secrets")["kubeconfig"] != renewed


@pytest.mark.slow
def test_the_state_holds_each_private_key_as_often_as_it_must(stack: Stack) -> None:
    steps(stack.up())
    exported = Deployment(stack.state("--show-secrets"))
    text = json.dumps([resource.outputs for resource in exported.resources])
    for data in re.findall(r"client-key-data: ([\w+/=]+)", text):
        text = text.replace(data, base64.b64decode(data).decode())
    found = Counter(PRIVATE_KEY.findall(text.replace("\\n", "\n")))
    kinds = {
        key: resource.name
        for resource in exported.resources
        if (key := str(resource.outputs.get("private_key", "")).strip())
    }
    counts = {kinds[key]: count for key, count in found.items()}
    # The administrator's is in the output `kubeconfig` as well.
    assert counts == {
        "one-ca": 1, "one-etcd-ca": 1, "one-front-proxy-ca": 1, "one-service-account": 1,
        "one-admin": 2,
    }  # fmt: skip
