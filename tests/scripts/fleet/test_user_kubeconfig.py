"""`fleet kubeconfig --user`: a person's clusters, and a certificate of their own CA."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from model.pki import certificates
from model.render import kubeconfig as kubeconfigs
from ops.errors import OperatorError
from ops.kube.client import Client
from ops.kube.errors import ApiError, Unavailable
from ops.pulumi.deployment import DYNAMIC, STACK, Deployment
from ops.pulumi.engine import Engine
from scripts.fleet import access

CA = certificates.new_authority("kubernetes", timedelta(days=10))
ALICE = certificates.new_authority("person-alice", timedelta(days=10))


def engine(*clusters: str, file: Path = Path("/nowhere")) -> Engine:
    """Return the engine of a stack with two clusters, these of them alice's."""
    admin = [
        kubeconfigs.Context(name, f"https://{name}", CA.cert_pem, CA.cert_pem, CA.key_pem)
        for name in ("cluster1", "cluster2")
    ]
    people = {"alice": {"clusters": list(clusters), "lifetimeSeconds": 1800.0}}
    outputs = {"kubeconfig": kubeconfigs.render(admin), "people": people}
    authority = {"certificate": ALICE.cert_pem, "private_key": ALICE.key_pem}
    found = [
        {"type": STACK, "urn": "a::stack", "outputs": outputs},
        {
            "type": f"{DYNAMIC}CertificateAuthority",
            "urn": "a::person-alice",
            "outputs": authority,
        },
    ]
    state = Deployment(json.dumps({"deployment": {"resources": found}}))
    workspace = SimpleNamespace(stack="dev", tracked_config=file)
    return cast(Engine, SimpleNamespace(workspace=workspace, deployment=lambda: state))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, ApiError]:
    """What the clusters answer other than that they know alice, by their URLs."""
    made: dict[str, ApiError] = {}

    def get(client: Client, path: str) -> dict[str, str]:
        if error := made.get(client.access.server):
            raise error
        return {"gitVersion": "v1"}

    monkeypatch.setattr(Client, "get", get)
    return made


def test_it_has_the_person_s_clusters_and_a_certificate_without_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, ApiError]
) -> None:
    monkeypatch.setattr(access, "KUBECONFIG", tmp_path / "kubeconfig")
    path = access.write_user(engine("cluster2"), "alice")
    assert path == tmp_path / "kubeconfig-alice"
    assert path.stat().st_mode & 0o777 == 0o600
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    assert [context["name"] for context in config["contexts"]] == ["cluster2-alice"]
    assert [cluster["cluster"]["server"] for cluster in config["clusters"]] == ["https://cluster2"]
    pem = base64.b64decode(config["users"][0]["user"]["client-certificate-data"])
    certificate = x509.load_pem_x509_certificate(pem)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ALICE.cert_pem.encode()))
    assert certificate.subject.rfc4514_string() == "CN=alice"
    assert not certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


def test_an_unknown_person_is_refused_with_the_known_ones() -> None:
    with pytest.raises(OperatorError, match=r"no user bob .* its users: alice"):
        access.kubeconfig_of(engine("cluster2"), "bob")


def test_who_was_revoked_and_removed_by_a_run_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("config: {'kubeadm-fleet:fleet': {people: {users: {bob: {revoked: true}}}}}\n")
    with pytest.raises(OperatorError, match="the access of bob was revoked, and the last"):
        access.kubeconfig_of(engine("cluster2", file=file), "bob")


UNKNOWN, DEAD = ApiError(401, "Unauthorized"), Unavailable(None, "no route to host")


@pytest.mark.parametrize("other", [UNKNOWN, DEAD])
def test_a_revoked_person_is_refused(answers: dict[str, ApiError], other: ApiError) -> None:
    """Only clusters know of a revocation."""
    answers |= {"https://cluster1": UNKNOWN, "https://cluster2": other}
    with pytest.raises(OperatorError, match="access of alice was revoked"):
        access.kubeconfig_of(engine("cluster1", "cluster2"), "alice")


@pytest.mark.parametrize("other", [UNKNOWN, DEAD])
def test_clusters_that_do_not_accept_it_yet_do_not_prevent_it(
    answers: dict[str, ApiError], other: ApiError
) -> None:
    answers["https://cluster2"] = other
    assert access.kubeconfig_of(engine("cluster1", "cluster2"), "alice")


def test_clusters_that_do_not_answer_do_not_prevent_it(answers: dict[str, ApiError]) -> None:
    answers |= {"https://cluster1": DEAD, "https://cluster2": DEAD}
    assert access.kubeconfig_of(engine("cluster1", "cluster2"), "alice")
