"""Refused people: names, groups, roles, clusters and rules."""

from typing import Any

import pytest

from model.config.errors import ConfigError, shortened
from model.load import load
from tests.model.examples import CONTAINER, changed
from tests.model.refusals import Case, check_refused

VIEW = [{"role": "view"}]


def user(**keys: Any) -> list[tuple[str, Any]]:
    return [("people", {"users": {"alice": keys}})]


def named(kind: str, name: str, value: Any) -> list[tuple[str, Any]]:
    return [("people", {kind: {name: value}})]


RULE = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
ACCESS = "people.users.alice.access[0]"
CASES: list[Case] = [
    (
        named("users", "system:admin", {"access": VIEW}),
        'people.users["system:admin"]',
        "not a user name",
    ),
    (
        named("users", "system-admin", {"access": VIEW}),
        "people.users.system-admin",
        "Kubernetes' own users",
    ),
    (
        named("users", "kubernetes-admin", {"access": VIEW}),
        "people.users.kubernetes-admin",
        "Kubernetes' own users",
    ),
    (named("users", "admin", {"access": VIEW}), "people.users.admin", "the administrator's"),
    (named("users", "Alice", {"access": VIEW}), "people.users.Alice", "not a user name"),
    (named("users", "a" * 64, {"access": VIEW}), f"people.users.{'a' * 64}", "not a user name"),
    (
        named("users", ".".join(["a" * 60] * 2), {"access": VIEW}),
        f'people.users["{shortened(".".join(["a" * 60] * 2))}"]',
        "longer than 63",
    ),
    (named("roles", "view", {"rules": [RULE]}), "people.roles.view", "a built-in role"),
    (named("roles", "empty", {"rules": []}), "people.roles.empty.rules", "no rules"),
    (
        named("roles", "mixed", {"rules": [{**RULE, "nonResourceURLs": ["/metrics"]}]}),
        "people.roles.mixed.rules[0]",
        "incomplete rule",
    ),
    (
        named("roles", "half", {"rules": [{"resources": ["pods"], "verbs": ["get"]}]}),
        "people.roles.half.rules[0]",
        "incomplete rule",
    ),
    (
        named("roles", "silent", {"rules": [{**RULE, "verbs": []}]}),
        "people.roles.silent.rules[0]",
        "incomplete rule",
    ),
    (named("groups", "nothing", {}), "people.groups.nothing.access", "missing"),
    (named("groups", "empty", {"access": []}), "people.groups.empty.access", "no access"),
    (user(), "people.users.alice", "has no access"),
    (user(groups=["nobody"]), "people.users.alice.groups[0]", "unknown group"),
    (user(access=[{"role": "viewer"}]), f"{ACCESS}.role", "unknown role"),
    (user(access=[*VIEW, *VIEW]), "people.users.alice.access[1]", "listed twice"),
    (
        user(access=[{"role": "view", "clusters": ["cluster1", "tokyo"]}]),
        f"{ACCESS}.clusters[1]",
        "unknown cluster",
    ),
    (
        user(access=[{"role": "view", "clusters": []}]),
        f"{ACCESS}.clusters",
        "names no cluster",
    ),
    (
        user(access=[{"role": "view", "clusters": ["cluster1"], "selector": "environment=dev"}]),
        f"{ACCESS}.selector",
        "set beside clusters",
    ),
    (
        user(access=[{"role": "view", "selector": "environment=prod"}]),
        f"{ACCESS}.selector",
        "matches no cluster",
    ),
    (
        user(access=[{"role": "view", "selector": "environment in"}]),
        f"{ACCESS}.selector",
        "not a label selector",
    ),
    (
        user(access=[{"role": "view", "namespaces": []}]),
        f"{ACCESS}.namespaces",
        "names no namespace",
    ),
    (
        user(access=[{"role": "view", "namespaces": ["Shop"]}]),
        f"{ACCESS}.namespaces[0]",
        "not a namespace",
    ),
    (
        user(access=[{"role": "watcher", "namespaces": ["shop"]}]),
        f"{ACCESS}.namespaces",
        "set with the role watcher",
    ),
    (user(access=VIEW, lifetime="5m"), "people.users.alice.lifetime", "shorter than 10 minutes"),
    (user(access=VIEW, lifetime="9999h"), "people.users.alice.lifetime", "longer than 90 days"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1])
def test_refused(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize("role", ["viewer", "amdin", "cluster-admn"])
def test_no_more_than_view_is_suggested_for_a_misspelled_role(role: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(changed(CONTAINER, *user(access=[{"role": role}])))
    assert "role: view" in str(refused.value)
    assert "role: admin" not in str(refused.value)


def test_a_group_listed_twice_is_refused() -> None:
    people = {
        "groups": {"viewers": {"access": VIEW}},
        "users": {"alice": {"groups": ["viewers", "viewers"]}},
    }
    case = ([("people", people)], "people.users.alice.groups[1]", "listed twice")
    check_refused(CONTAINER, case)
