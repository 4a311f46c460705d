"""The program's credential in a file: who may read it, when it is rewritten, how it is found."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
import yaml
from cryptography import x509

from model.pki import certificates
from model.pki.certificates import KeyPair
from model.render import kubeconfig as kubeconfigs
from ops.kube import identity
from ops.kube.identity import Identity
from tests.ops.kube.api_server import Api

CA = certificates.new_authority("kubernetes", timedelta(days=3650))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user" / "kubeadm-fleet"
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(folder))
    return folder


def reference(**changes: str) -> Identity:
    known: Identity = {
        "stack": "dev",
        "cluster": "one",
        "server": "https://192.0.2.1:6443",
        "authority": "abcd",
    }
    return {**known, **changes}  # type: ignore[typeddict-item]


def test_only_its_owner_reads_it(state: Path) -> None:
    identity.save(reference(), "first")
    path = identity.file(reference())
    assert path == state / "identities" / "dev" / "one-abcd"
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, state):
        assert folder.stat().st_mode & 0o777 == 0o700


def issued(authority: KeyPair = CA, **changes: str) -> str:
    """The credential that is there once one was required."""
    known = reference(**changes)
    identity.ensure(known, authority, authority.cert_pem)
    return identity.file(known).read_text()


def endpoint(kubeconfig: str) -> str:
    (entry,) = yaml.safe_load(kubeconfig)["clusters"]
    return str(entry["cluster"]["server"])


def certificate(kubeconfig: str) -> x509.Certificate:
    (entry,) = yaml.safe_load(kubeconfig)["users"]
    return x509.load_pem_x509_certificate(
        base64.b64decode(entry["user"]["client-certificate-data"])
    )


def test_the_program_is_a_user_of_its_own_for_a_year(state: Path) -> None:
    kubeconfig = issued()
    found = certificate(kubeconfig)
    assert found.subject.rfc4514_string() == "CN=kubeadm-fleet,O=kubeadm:cluster-admins"
    left = found.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=364) < left <= timedelta(days=365)
    assert endpoint(kubeconfig) == reference()["server"]


def test_a_credential_is_left_alone_until_it_is_due(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = issued()
    assert issued() == former
    monkeypatch.setattr(certificates, "is_due", lambda _: True)
    renewed = issued()
    assert certificate(renewed).serial_number != certificate(former).serial_number


@pytest.mark.parametrize("text", ["", "no: kubeconfig", "{", "users: [1]\nclusters: [1]"])
def test_a_damaged_credential_is_issued_again(state: Path, text: str) -> None:
    issued()
    (path,) = (state / "identities" / "dev").iterdir()
    path.write_text(text)
    assert certificate(issued()).subject


def test_another_endpoint_is_another_credential(state: Path) -> None:
    issued()
    moved = issued(server="https://192.0.2.2:6443")
    assert endpoint(moved) == "https://192.0.2.2:6443"


def test_another_ca_that_is_trusted_beside_it_issues_another_credential(state: Path) -> None:
    former = issued()
    known = reference()
    successor = certificates.new_authority("kubernetes", timedelta(days=10))
    bundle = CA.cert_pem + successor.cert_pem
    identity.ensure(known, CA, bundle)
    found = identity.file(known).read_text()
    assert found != former
    identity.ensure(known, CA, bundle)
    assert identity.file(known).read_text() == found


def test_a_ca_that_is_rotated_issues_another_credential_of_the_same_name() -> None:
    successor = certificates.new_authority("kubernetes", timedelta(days=10))
    identity.ensure(reference(), CA, CA.cert_pem + successor.cert_pem)
    identity.ensure(reference(), successor, successor.cert_pem + CA.cert_pem)
    found = certificate(identity.file(reference()).read_text())
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(successor.cert_pem.encode()))


def test_an_expired_one_is_an_error_that_says_what_to_type(state: Path) -> None:
    expired = certificates.issue_client(CA, "kubeadm-fleet", [], timedelta(0))
    context = kubeconfigs.Context(
        "one", reference()["server"], CA.cert_pem, expired.cert_pem, expired.key_pem
    )
    identity.save(reference(), kubeconfigs.render([context]))
    expected = r"one of the stack dev \(.*one-abcd\) expired at 20.* UTC: run `fleet preview dev`"
    with pytest.raises(identity.IdentityMissing, match=expected):
        identity.connect(reference())


def test_a_reader_sees_the_former_or_the_new_one_while_it_is_rewritten() -> None:
    texts = {digit * 100_000 for digit in "12"}
    ended = Event()

    def rewrite() -> None:
        for _ in range(30):
            for text in texts:
                identity.save(reference(), text)
        ended.set()

    identity.save(reference(), min(texts))
    writer = Thread(target=rewrite)
    writer.start()
    while not ended.is_set():
        assert identity.file(reference()).read_text() in texts
    writer.join()


def test_another_stack_cluster_or_authority_has_another_file() -> None:
    others = [{"stack": "prod"}, {"cluster": "two"}, {"authority": "abce"}]
    files = {identity.file(reference(**change)) for change in ({}, *others)}
    assert len(files) == 4
    # An endpoint that moves keeps its authority, and its file.
    assert identity.file(reference(server="https://192.0.2.2:6443")) in files


def test_there_is_one_client_until_the_credential_is_renewed(api: Api) -> None:
    api.answers["GET /api/v1/nodes"] = (200, {"items": []})
    found = api.identity
    kube = identity.connect(found)
    assert identity.connect({**found}) is kube
    assert list(kube.pages("/api/v1/nodes")) == []
    identity.save(found, api.kubeconfig.replace("cluster1-admin", "cluster1-renewed"))
    assert identity.connect(found) is not kube


def test_a_missing_one_is_an_error_that_says_what_to_type() -> None:
    expected = r"one of the stack dev .*one-abcd.*`fleet preview dev`"
    with pytest.raises(identity.IdentityMissing, match=expected):
        identity.connect(reference())


def test_those_of_former_clusters_and_stacks_are_removed(state: Path) -> None:
    for change in ({}, {"cluster": "two"}, {"stack": "prod"}):
        identity.save(reference(**change), "credential")
    identity.remove("dev", [reference()])
    assert identity.file(reference()).exists()
    assert not identity.file(reference(cluster="two")).exists()
    identity.remove("dev")
    identity.remove("dev")
    assert [path.name for path in (state / "identities").iterdir()] == ["prod"]
