"""`fleet status` and `fleet up`: people who were revoked and are still in the stack's file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from model.load import resolve
from model.pki import certificates
from ops.kube.published_authorities import KEY, PATH
from scripts.fleet import kubeconfig, revoked_access
from scripts.fleet.revoked_access import Authorities, Line, lines
from tests.model.examples import CONTAINER, changed
from tests.ops.kube.api_server import Api, api

__all__ = ["api"]
CLUSTER, ALICE, BOB = (
    certificates.new_authority(name, timedelta(days=10)).cert_pem
    for name in ("kubernetes", "person-alice", "person-bob")
)


def loaded(*pems: str) -> Authorities:
    return frozenset(x509.load_pem_x509_certificate(pem.encode()) for pem in pems)


KNOWN = {
    name: x509.load_pem_x509_certificate(pem.encode())
    for name, pem in (("alice", ALICE), ("bob", BOB))
}
EVERYBODY = loaded(CLUSTER, ALICE, BOB)
VIEW = {"access": [{"role": "view"}]}


def found(
    accepted: dict[str, Authorities], alice: dict[str, Any] = VIEW, known: Any = KNOWN
) -> list[Line]:
    people = {"users": {"alice": alice, "bob": VIEW}}
    clusters = {one.name: one for one in resolve(changed(CONTAINER, ("people", people)))}
    return list(lines(clusters, known, accepted, "dev"))


def test_who_has_the_access_of_the_file_is_not_listed() -> None:
    assert found({"cluster1": EVERYBODY, "cluster2": EVERYBODY}) == []


def test_who_was_revoked_is_listed_for_each_cluster_with_what_to_do() -> None:
    """In an emergency from another checkout, or before the file was changed back."""
    (line,) = found({"cluster1": EVERYBODY, "cluster2": loaded(CLUSTER, BOB)})
    assert line.text.startswith("cluster2: alice: certificates are not accepted, as after `fleet")
    assert "Set `revoked: true` in people.users.alice and run `fleet up dev`" in line.text
    assert not line.is_marked


@pytest.mark.parametrize("known", [KNOWN, {"bob": KNOWN["bob"]}], ids=["revoked", "applied"])
def test_who_is_marked_as_revoked_is_listed_before_and_after_the_next_run(known: Any) -> None:
    accepted = {name: loaded(CLUSTER, BOB) for name in ("cluster1", "cluster2")}
    shown = found(accepted, {**VIEW, "revoked": True}, known)
    assert [line.text.partition(": To grant it again, remove")[0] for line in shown] == [
        "cluster1: alice",
        "cluster2: alice",
    ]
    assert all(line.is_marked for line in shown)


def test_a_cluster_that_still_accepts_who_is_marked_is_named_as_such() -> None:
    shown = found({"cluster1": EVERYBODY}, {**VIEW, "revoked": True})
    assert ["certificates are accepted: run `fleet revoke alice -s dev`" in line.text
            for line in shown] == [True]  # fmt: skip


def test_a_cluster_that_does_not_answer_is_not_judged(api: Api, tmp_path: Path) -> None:
    assert found({}) == []
    text = yaml.safe_load(api.kubeconfig)
    text["clusters"][0]["name"] = "one"
    file = tmp_path / "kubeconfig"
    kubeconfig.write(file, api.kubeconfig, "dev")
    names = list(kubeconfig.split(file.read_text()))
    api.answers[f"GET {PATH}"] = (200, {"data": {KEY: f"{CLUSTER}{ALICE}"}})
    assert revoked_access.accepted([file]) == dict.fromkeys(names, loaded(CLUSTER, ALICE))
    api.answers[f"GET {PATH}"] = (403, {})
    assert revoked_access.accepted([file]) == {}


def test_a_stack_without_people_is_asked_nothing() -> None:
    """Not even its state: the stack dev does not exist here."""
    assert revoked_access.read("dev", []) == []
