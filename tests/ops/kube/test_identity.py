"""The program's credential in a file: who may read it, when it is rewritten, how it is found."""

import os
from pathlib import Path
from threading import Event, Thread

import pytest

from model.pki import certificates
from ops.kube import identity
from ops.kube.identity import Identity
from tests.ops.kube.api_server import Api


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
        "authority": "AB:CD",
    }
    return {**known, **changes}  # type: ignore[typeddict-item]


def test_only_its_owner_reads_it(state: Path) -> None:
    identity.save(reference(), "first")
    path = identity.file(reference())
    assert path == state / "identities" / "dev" / "one-abcd"
    assert path.stat().st_mode & 0o777 == 0o600
    for folder in (path.parent, path.parent.parent, state):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_renewed_credential_replaces_the_former_one_and_the_same_is_left_alone() -> None:
    path = identity.file(reference())
    identity.save(reference(), "first")
    os.utime(path, (0, 0))
    identity.save(reference(), "first")
    assert path.stat().st_mtime == 0
    identity.save(reference(), "second")
    assert path.read_text() == "second"


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
    others = [{"stack": "prod"}, {"cluster": "two"}, {"authority": "AB:CE"}]
    files = {identity.file(reference(**change)) for change in ({}, *others)}
    assert len(files) == 4
    # An endpoint that moves keeps its authority, and its file.
    assert identity.file(reference(server="https://192.0.2.2:6443")) in files


def test_it_is_known_from_the_kubeconfig_that_is_an_output(api: Api) -> None:
    found = identity.of("dev", api.kubeconfig)
    assert found["cluster"] == "cluster1"
    assert found["server"] in api.kubeconfig
    assert found["authority"] == certificates.fingerprint(api.authority.cert_pem)


def test_there_is_one_client_until_the_credential_is_renewed(api: Api) -> None:
    api.answers["GET /api/v1/nodes"] = (200, {"items": []})
    found = identity.of("dev", api.kubeconfig)
    identity.save(found, api.kubeconfig)
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
