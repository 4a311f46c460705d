"""People: their access to each cluster, the lifetimes of their certificates, and the objects."""

from typing import Any

import pytest
import yaml

from model.fleet import Cluster
from model.load import load, warnings
from model.object_drift.kinds import KINDS
from model.people import AUDITOR_ROLE, CALICO_NODE, WATCHER_ROLE, WATCHER_SYSTEM_ROLE, Role
from model.render.people import access_objects
from tests.model.examples import CONTAINER, changed

DEPLOYER = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}]
PEOPLE = {
    "roles": {"deployer": {"rules": DEPLOYER}},
    "groups": {
        "developers": {
            "access": [
                {"role": "view", "selector": "environment=dev"},
                {"role": "edit", "clusters": ["cluster1"], "namespaces": ["shop", "billing"]},
            ]
        }
    },
    "users": {
        "alice": {
            "groups": ["developers"],
            "access": [{"role": "admin", "clusters": ["cluster2"]}],
        },
        "bob": {"access": [{"role": "auditor"}]},
        "carol": {"access": [{"role": "deployer", "namespaces": ["shop"]}], "lifetime": "30m"},
        "dave": {"access": [{"role": "cluster-admin", "selector": "region=osaka"}]},
    },
}


def clusters(people: Any = PEOPLE) -> tuple[Cluster, Cluster]:
    one, two = load(changed(CONTAINER, ("people", people))).clusters
    return one, two


def shown(cluster: Cluster) -> dict[str, list[str]]:
    return {name: [str(grant) for grant in granted] for name, granted in cluster.access.items()}


def test_access_is_that_of_the_person_and_of_their_groups_in_each_cluster() -> None:
    one, two = clusters()
    assert shown(one) == {
        "alice": ["edit in billing", "edit in shop", "view"],
        "bob": ["auditor"],
        "carol": ["deployer in shop"],
    }
    assert shown(two) == {
        "alice": ["admin", "view"],
        "bob": ["auditor"],
        "carol": ["deployer in shop"],
        "dave": ["cluster-admin"],
    }


def test_certificates_of_who_can_change_something_are_valid_for_hours() -> None:
    people = load(changed(CONTAINER, ("people", PEOPLE))).people
    assert {person.name: person.lifetime_seconds for person in people} == {
        "alice": 8 * 3600,
        "bob": 7 * 24 * 3600,
        "carol": 30 * 60,
        "dave": 8 * 3600,
    }


def test_a_role_given_twice_is_bound_once() -> None:
    twice = {
        "groups": {"viewers": {"access": [{"role": "view"}]}},
        "users": {"alice": {"groups": ["viewers"], "access": [{"role": "view"}]}},
    }
    assert shown(clusters(twice)[0]) == {"alice": ["view"]}


def test_bindings_name_users_and_no_groups() -> None:
    objects = list(yaml.safe_load_all(access_objects(clusters()[0])))
    bindings = [item for item in objects if item["kind"].endswith("Binding")]
    assert [
        (
            item["kind"],
            item["metadata"].get("namespace", ""),
            item["metadata"]["name"],
            item["roleRef"]["name"],
        )
        for item in bindings
    ] == [
        ("RoleBinding", "billing", "kubeadm-fleet:alice:edit", "edit"),
        ("RoleBinding", "shop", "kubeadm-fleet:alice:edit", "edit"),
        ("ClusterRoleBinding", "", "kubeadm-fleet:alice:view", "view"),
        ("ClusterRoleBinding", "", "kubeadm-fleet:bob:auditor", "kubeadm-fleet:auditor"),
        ("RoleBinding", "shop", "kubeadm-fleet:carol:deployer", "kubeadm-fleet:deployer"),
    ]
    subjects = [subject for item in bindings for subject in item["subjects"]]
    assert {subject["kind"] for subject in subjects} == {"User"}
    assert {subject["name"] for subject in subjects} == {"alice", "bob", "carol"}


def test_roles_come_before_bindings_and_namespaces_are_kept() -> None:
    objects = list(yaml.safe_load_all(access_objects(clusters()[0])))
    assert [(item["kind"], item["metadata"]["name"]) for item in objects[:4]] == [
        ("Namespace", "billing"),
        ("Namespace", "shop"),
        ("ClusterRole", "kubeadm-fleet:auditor"),
        ("ClusterRole", "kubeadm-fleet:deployer"),
    ]
    assert objects[0]["metadata"]["annotations"] == {"kubeadm-fleet/keep": "true"}
    assert objects[3]["rules"] == DEPLOYER


def test_a_cluster_without_people_has_no_objects() -> None:
    assert [access_objects(cluster) for cluster in load(CONTAINER).clusters] == ["", ""]


def test_an_auditor_reads_no_secret_and_no_container() -> None:
    core = next(rule for rule in AUDITOR_ROLE.rules if rule["apiGroups"] == [""])
    assert not {"*", "secrets", "pods/log", "pods/exec"} & set(core["resources"])
    assert not [name for name in core["resources"] if name.endswith("/proxy")]
    verbs = {verb for rule in AUDITOR_ROLE.rules for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


WATCH = {"users": {"watch": {"access": [{"role": "watcher"}]}}}


def test_a_watcher_reads_nodes_and_the_systems_namespaces_alone() -> None:
    one, _ = clusters(WATCH)
    assert shown(one) == {
        "watch": [
            *("watcher", "watcher-system in kube-flannel", "watcher-system in kube-system"),
        ]
    }
    objects = list(yaml.safe_load_all(access_objects(one)))
    # The namespaces are the program's own, with labels that another applying would remove.
    assert [item["kind"] for item in objects] == [
        *["ClusterRole"] * 2,
        "ClusterRoleBinding",
        *["RoleBinding"] * 2,
    ]
    rules = [*WATCHER_ROLE.rules, *WATCHER_SYSTEM_ROLE.rules]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    of_system = granted(WATCHER_SYSTEM_ROLE)
    assert of_system >= {("", "pods"), ("", "pods/log"), ("coordination.k8s.io", "leases")}
    cluster_wide = granted(WATCHER_ROLE)
    # What may have anything in it is read where it is ours.
    assert not cluster_wide & of_system
    assert not {name for _, name in cluster_wide} & {"configmaps", "secrets", "deployments", "pods"}
    assert ("", "secrets") not in of_system
    measured = ("metrics.k8s.io", "nodes")
    applied = {
        (version.rpartition("/")[0], served.plural): served.namespaces
        for (version, _), served in KINDS.items()
    }
    assert cluster_wide == {("", "nodes"), measured} | {
        each for each in applied if not applied[each]
    }
    assert of_system >= {each for each in applied if applied[each]}
    named = [rule for rule in WATCHER_ROLE.rules if "resourceNames" in rule]
    assert [rule["resourceNames"] for rule in named] == [[CALICO_NODE]] * 2


def granted(role: Role) -> set[tuple[str, str]]:
    return {
        (group, name)
        for rule in role.rules
        if "resourceNames" not in rule
        for group in rule.get("apiGroups", ())
        for name in rule["resources"]
    }


def test_a_watchers_certificate_is_valid_for_a_week() -> None:
    (person,) = load(changed(CONTAINER, ("people", WATCH))).people
    assert person.lifetime_seconds == 7 * 24 * 3600


@pytest.mark.parametrize("people", [None, {}, {"users": {}}])
def test_people_are_optional(people: object) -> None:
    assert load(changed(CONTAINER, ("people", people))).people == ()


def revoked_alice() -> Any:
    given: Any = PEOPLE
    users = {**given["users"], "alice": {**given["users"]["alice"], "revoked": True}}
    return {**given, "users": users}


def test_a_revoked_person_has_no_access_and_no_ca_and_the_others_keep_theirs() -> None:
    before, after = clusters(), clusters(revoked_alice())
    for was, now in zip(before, after, strict=True):
        expected = {name: grants for name, grants in shown(was).items() if name != "alice"}
        assert shown(now) == expected
        assert "alice" not in access_objects(now)
    assert [cluster.revoked for cluster in after] == [("alice",), ("alice",)]
    assert [cluster.revoked for cluster in before] == [(), ()]
    people = load(changed(CONTAINER, ("people", revoked_alice()))).people
    assert [person.name for person in people] == ["bob", "carol", "dave"]


def test_a_revoked_person_who_is_still_in_the_config_is_named_by_each_run() -> None:
    others = warnings(load(changed(CONTAINER, ("people", PEOPLE))))
    *rest, warning = warnings(load(changed(CONTAINER, ("people", revoked_alice()))))
    assert warning.startswith("people.users.alice: revoked, and still in the config")
    assert rest == others
    assert "no access to cluster1, cluster2. To grant it again, remove `revoked`" in warning


def test_a_token_of_a_revoked_person_is_bound_no_longer() -> None:
    issuer = {"name": "corporate", "url": "https://login.example.com", "audiences": ["fleet"]}
    alice = {"access": [{"role": "view"}], "tokens": [{"issuer": "corporate", "user": "a@b.c"}]}
    given = ("authentication", {"issuers": [issuer]})
    one, _ = load(changed(CONTAINER, given, ("people", {"users": {"alice": alice}}))).clusters
    assert "a@b.c" in access_objects(one)
    gone = {"users": {"alice": {**alice, "revoked": True}}}
    one, _ = load(changed(CONTAINER, given, ("people", gone))).clusters
    assert access_objects(one) == ""
