"""The CAs of API servers' clients: on every control plane, without a restart, and published."""

from dataclasses import replace
from datetime import timedelta

import pytest

from model.pki import certificates, client_authorities
from ops.errors import OperatorError
from ops.kube import client, published_authorities
from ops.kube.published_authorities import FRONT_PROXY_KEY, KEY, PATH
from ops.rollout import trust_rows
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from tests.ops.kube.api_server import Answer, Api
from tests.ops.rollout.examples import found, inputs, plan, wanted
from tests.ops.rollout.fakes import FakeFleet, alike, run

PLANES = [f"a-control-plane-{number}" for number in range(3)]
CHANGED = {"client_file": "f2", "client_set": "s2", "client_authorities": "two CAs"}
CLUSTER, ALICE, BOB = (
    certificates.new_authority(name, timedelta(days=10)).cert_pem
    for name in ("kubernetes", "alice", "bob")
)


def test_another_person_is_a_change_of_control_planes_that_restarts_nothing() -> None:
    sentence = "the people whose certificates it accepts changed: in place"
    assert plan(inputs(), inputs(**CHANGED), {}) == dict.fromkeys(PLANES, sentence)
    assert not trust_rows.CLIENT_AUTHORITIES.restarts_services


def test_a_preview_names_who_gets_and_who_loses_access() -> None:
    news = inputs(**CHANGED, people=["bob", "carol"])
    sentence = "the people whose certificates it accepts changed (+bob, +carol, -alice): in place"
    assert plan(inputs(), news, {}) == dict.fromkeys(PLANES, sentence)
    olds = inputs()
    del olds["people"]
    unnamed = "the people whose certificates it accepts changed: in place"
    assert plan(olds, news, {}) == dict.fromkeys(PLANES, unnamed), "a state of before"


@pytest.mark.parametrize(
    ("accepted", "reasons"),
    [
        ((), ["certificates of alice are not accepted yet, or no longer since"]),
        (("alice", "mallory"), ["certificates of mallory are accepted, without access"]),
        (("mallory",), ["certificates of alice are not", "certificates of mallory are accepted"]),
        (("alice",), ["the CAs of its clients changed"]),
        (None, ["the CAs of its clients changed"]),
    ],
)
def test_drift_of_access_names_the_people(
    accepted: tuple[str, ...] | None, reasons: list[str]
) -> None:
    plane = wanted(PLANES[0])
    actual = found(plane, clients="other", people=accepted)
    shown = [action.why for action in required_actions(actual, plane)]
    assert len(shown) == len(reasons)
    for why, expected in zip(shown, reasons, strict=True):
        assert why.startswith(expected)


def test_control_planes_get_the_file_before_it_is_published() -> None:
    fleet = FakeFleet(inputs(**CHANGED), alike(inputs()))
    assert run(fleet)
    calls = [call for call, _ in fleet.calls if "client_authorities" in call]
    assert calls == ["apply_client_authorities"] * 3 + ["publish_client_authorities"]
    assert fleet.called("apply_client_authorities") == PLANES
    assert ("publish_client_authorities", "two CAs") in fleet.calls
    assert not run(fleet), "nothing is left to be done"


def test_a_lost_file_is_restored_and_workers_have_none() -> None:
    plane = wanted(PLANES[0])
    (action,) = required_actions(found(plane, clients="missing"), plane)
    assert (action.kind, action.why) == (
        trust_rows.CLIENT_AUTHORITIES,
        "the CAs of its clients are missing",
    )
    worker = wanted("a-worker-0")
    assert required_actions(found(worker, clients="missing"), worker) == []


@pytest.mark.parametrize("published", ["published", "published_front_proxy"])
def test_a_ca_that_an_api_server_published_again_is_removed(published: str) -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    setattr(fleet, published, "more")
    assert run(fleet)
    assert [call for call, _ in fleet.calls] == ["publish_client_authorities"]


def test_an_unfinished_rollout_to_other_people_is_another_one() -> None:
    digests = {DesiredCluster.of(props).digest for props in (inputs(), inputs(**CHANGED))}
    assert len(digests) == 2


def test_published_authorities_are_compared_whatever_their_order(api: Api) -> None:
    bundle = client_authorities.bundle(CLUSTER, [ALICE, BOB])
    published = f"# comment\n{BOB}\n{CLUSTER}{ALICE}"
    assert client_authorities.digest_of_set(published) == client_authorities.digest_of_set(bundle)
    for other in (CLUSTER, f"{CLUSTER}{ALICE}", ""):
        assert client_authorities.digest_of_set(other) != client_authorities.digest_of_set(bundle)


def published_by(api: Api, server_knows: list[str]) -> None:
    """Have an API server add CAs that it knows whenever others are published, one after another."""
    known: dict[str, str] = {}

    def publish() -> Answer:
        known.update(api.sent[f"PATCH {PATH}"]["data"])
        known[FRONT_PROXY_KEY] += server_knows.pop(0) if server_knows else ""
        return 200, {}

    api.answers[f"PATCH {PATH}"] = publish
    api.answers[f"GET {PATH}"] = lambda: (200, {"data": dict(known)})


@pytest.mark.parametrize("disturbed", [0, 2])
def test_publishing_goes_on_until_no_api_server_publishes_what_it_knows(
    api: Api, monkeypatch: pytest.MonkeyPatch, disturbed: int
) -> None:
    """One that has not read its files again adds the former CA, as soon as it is gone."""
    monkeypatch.setattr(published_authorities, "UNDISTURBED_SECONDS", 0.1)
    published_by(api, [BOB] * disturbed)
    nodes = ClusterNodes(client.of(api.kubeconfig), drain_seconds=1, force=False)
    nodes.publish_authorities(client_authorities.bundle(CLUSTER, [ALICE]), CLUSTER)
    assert api.asked.count(f"PATCH {PATH}") == 1 + disturbed
    sent = api.sent[f"PATCH {PATH}"]["data"]
    assert sent == {KEY: f"{CLUSTER}{ALICE}", FRONT_PROXY_KEY: CLUSTER}
    assert api.types[f"PATCH {PATH}"] == client.MERGE


def test_an_api_server_that_never_reads_its_files_ends_the_run(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_authorities, "READ_AGAIN_SECONDS", 0.1)
    published_by(api, [BOB] * 20)
    with pytest.raises(OperatorError, match=f"{published_authorities.FOLDER} is the same on each"):
        published_authorities.replace(client.of(api.kubeconfig), {FRONT_PROXY_KEY: CLUSTER})


def test_an_api_server_that_stopped_for_want_of_the_file_gets_it_first() -> None:
    like = alike(inputs())
    like[PLANES[1]] = replace(like[PLANES[1]], clients="missing")
    assert trust_rows.CLIENT_AUTHORITIES.restores_api
    fleet = FakeFleet(inputs(), like)
    assert run(fleet)
    assert fleet.called("apply_client_authorities") == [PLANES[1]]
