"""People in the graph: a CA each, trusted by the API servers of their clusters alone."""

from typing import Any

from cryptography import x509

from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run

PEOPLE = {
    "users": {
        "alice": {"access": [{"role": "edit", "namespaces": ["shop"]}]},
        "bob": {"access": [{"role": "view", "clusters": ["cluster2"]}]},
    }
}


def with_people(people: Any = PEOPLE, before: Graph | None = None) -> Graph:
    return run({**stack_config("dev"), "people": people}, before)


def trusted(text: str) -> list[str]:
    certificates = x509.load_pem_x509_certificates(text.encode())
    return [one.subject.rfc4514_string().removeprefix("CN=") for one in certificates]


def test_api_servers_accept_the_people_of_their_cluster_and_the_cluster_s_own_ca() -> None:
    graph = with_people()
    expected = {
        "cluster1": ["kubernetes", "person-alice"],
        "cluster2": ["kubernetes", "person-alice", "person-bob"],
    }
    for cluster, names in expected.items():
        for step in (f"{cluster}-init", f"{cluster}-control-plane-0-join"):
            assert trusted(graph.one(step).given["settings"]["CLIENT_AUTHORITIES"]) == names
        rollout = graph.one(f"{cluster}-rollout")
        assert trusted(rollout.given["client_authorities"]) == names
        assert "BEGIN CERTIFICATE" not in str(rollout.inputs), "the state has the text once"
        worker = graph.one(f"{cluster}-worker-0-join")
        assert "CLIENT_AUTHORITIES" not in worker.given["settings"]


def test_a_person_s_key_is_in_one_resource() -> None:
    graph = with_people()
    authorities = [one for one in graph.kinds("CertificateAuthority") if "person" in one.name]
    assert sorted(one.name for one in authorities) == ["person-alice", "person-bob"]
    for authority in authorities:
        key = authority.outputs["private_key"]
        assert "private_key" in authority.secret_outputs
        holders = [one for one in graph.customs if key in f"{one.inputs}{one.given}"]
        assert holders == []


def test_another_person_changes_bindings_and_the_rollout_of_their_clusters() -> None:
    before = with_people({"users": {"alice": PEOPLE["users"]["alice"]}})
    after = with_people(before=before)
    assert {name for name in after.changed_from(before) if "person" not in name} == {
        "cluster2-access",
        "cluster2-rollout",
    }


def test_a_stack_without_people_has_no_resource_for_them() -> None:
    graph = run(stack_config("dev"))
    assert not [one.name for one in graph if "person" in one.name or "access" in one.name]


def test_the_output_has_everybody_s_clusters_and_no_key() -> None:
    graph = with_people()
    assert graph.outputs["people"] == {
        "alice": {"clusters": ["cluster1", "cluster2"], "lifetimeSeconds": 8 * 3600},
        "bob": {"clusters": ["cluster2"], "lifetimeSeconds": 7 * 24 * 3600},
    }
    assert "people" not in graph.secret_outputs


def test_tokens_need_no_ca_and_a_change_of_issuers_is_one_of_files_and_bindings() -> None:
    issuer = {"name": "corporate", "url": "https://login.example.com", "audiences": ["fleet"]}
    holders = [{"issuer": "corporate", "user": "alice@example.com"}]
    group = {"access": [{"role": "view"}], "tokens": holders}
    config = {**stack_config("dev"), "people": {"groups": {"developers": group}}}
    known = {"issuers": [issuer]}
    before = run({**config, "authentication": known})
    assert not [one.name for one in before.kinds("CertificateAuthority") if "person" in one.name]
    assert "corporate:alice@example.com" in str(before.one("cluster1-access").inputs)
    after = run({**config, "authentication": {"issuers": [{**issuer, "usernameClaim": "email"}]}},
                before)  # fmt: skip
    changed = set(after.changed_from(before))
    assert {"cluster1-rollout", "cluster2-rollout"} <= changed
    assert not [name for name in changed if "init" in name or "join" in name or "access" in name]


def test_a_revoked_person_leaves_the_graph_as_one_who_is_removed() -> None:
    users = PEOPLE["users"]
    before = with_people()
    revoked = with_people(
        {"users": {**users, "alice": {**users["alice"], "revoked": True}}}, before
    )
    removed = with_people({"users": {"bob": users["bob"]}}, before)
    names = {one.name for one in revoked}
    assert names == {one.name for one in removed} and "person-alice" not in names
    assert "person-bob" in names
    assert revoked.one("cluster2-rollout").inputs["people"] == ["bob"]
    assert list(revoked.outputs["people"]) == ["bob"]
