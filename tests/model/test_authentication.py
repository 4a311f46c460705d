"""Issuers of tokens: the document of each cluster, and what tokens may do there."""

from typing import Any

import pytest
import yaml

from model.fleet import Cluster
from model.load import load
from model.render.authentication import configuration
from model.render.people import access_objects
from tests.model.examples import CONTAINER, changed
from tests.model.refusals import Case, check_refused

CORPORATE = {
    "name": "corporate",
    "url": "https://login.example.com",
    "audiences": ["kubernetes"],
    "groupsClaim": "groups",
}
CI = {"name": "ci", "url": "https://ci.example.com", "audiences": ["fleet"]}
BUILD = "repo:acme/shop:ref:refs/heads/main"
PEOPLE = {
    "groups": {
        "developers": {
            "access": [{"role": "edit", "namespaces": ["shop"]}],
            "tokens": [
                {"issuer": "corporate", "group": "shop developers"},
                {"issuer": "ci", "user": BUILD},
            ],
        },
        "readers": {"access": [{"role": "view", "clusters": ["cluster2"]}]},
    },
    "users": {
        "alice": {
            "groups": ["developers"],
            "tokens": [{"issuer": "corporate", "user": "alice@example.com"}],
        }
    },
}
BOTH = [
    ("authentication", {"issuers": [CORPORATE]}),
    ("clusters/cluster2/authentication", {"issuers": [CORPORATE, CI]}),
]


def clusters(*changes: tuple[str, Any]) -> tuple[Cluster, Cluster]:
    one, two = load(changed(CONTAINER, *changes)).clusters
    return one, two


def bound(cluster: Cluster) -> dict[str, list[tuple[str, str]]]:
    """Return the subjects of each binding."""
    objects = yaml.safe_load_all(access_objects(cluster))
    return {
        item["metadata"]["name"]: [(one["kind"], one["name"]) for one in item["subjects"]]
        for item in objects
        if item["kind"].endswith("Binding")
    }


def test_a_cluster_s_issuers_replace_the_fleet_s() -> None:
    one, two = clusters(*BOTH)
    assert [issuer.name for issuer in one.issuers] == ["corporate"]
    assert [issuer.name for issuer in two.issuers] == ["corporate", "ci"]
    none, _ = clusters(*BOTH, ("clusters/cluster1/authentication", {"issuers": []}))
    assert none.issuers == ()


def test_a_cluster_without_issuers_has_the_document_too() -> None:
    """API servers begin to use one only by a restart."""
    assert yaml.safe_load(configuration(clusters()[0].issuers)) == {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {
            "enabled": True,
            "conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")],
        },
        "jwt": [],
    }


def test_names_in_tokens_are_nobody_else_s() -> None:
    _, two = clusters(*BOTH)
    corporate, ci = yaml.safe_load(configuration(two.issuers))["jwt"]
    assert corporate["claimMappings"] == {
        "username": {"claim": "sub", "prefix": "corporate:"},
        "groups": {"claim": "groups", "prefix": "corporate:"},
    }
    assert ci == {
        "issuer": {"url": "https://ci.example.com", "audiences": ["fleet"]},
        "claimMappings": {"username": {"claim": "sub", "prefix": "ci:"}},
    }


def test_tokens_have_the_access_of_their_group_and_of_their_person() -> None:
    one, two = clusters(*BOTH, ("people", PEOPLE))
    person = [("User", "alice"), ("User", "corporate:alice@example.com")]
    group = ("Group", "corporate:shop developers")
    assert bound(one) == {
        "kubeadm-fleet:alice:edit": person,
        "kubeadm-fleet-group:developers:edit": [group],
    }
    assert bound(two) == {
        "kubeadm-fleet:alice:edit": person,
        "kubeadm-fleet-group:developers:edit": [group, ("User", f"ci:{BUILD}")],
    }
    assert list(two.access) == ["alice"], "tokens need no certificate"


def test_a_cluster_that_accepts_no_tokens_binds_none() -> None:
    one, _ = clusters(
        *BOTH, ("people", PEOPLE), ("clusters/cluster1/authentication", {"issuers": []})
    )
    assert bound(one) == {"kubeadm-fleet:alice:edit": [("User", "alice")]}


def test_a_group_of_tokens_needs_no_person() -> None:
    one, _ = clusters(*BOTH, ("people", {"groups": PEOPLE["groups"]}))
    assert list(bound(one)) == ["kubeadm-fleet-group:developers:edit"]
    assert one.access == {}


def issuers(*found: dict[str, Any]) -> list[tuple[str, Any]]:
    return [("authentication", {"issuers": list(found)})]


def tokens(*holders: dict[str, Any]) -> list[tuple[str, Any]]:
    group = {"access": [{"role": "view"}], "tokens": list(holders)}
    return [*issuers(CORPORATE, CI), ("people", {"groups": {"developers": group}})]


WHERE = "authentication.issuers"
HOLDERS = "people.groups.developers.tokens"
GROUP = {"issuer": "corporate", "group": "developers"}
CASES: list[Case] = [
    (issuers({**CI, "name": "system"}), f"{WHERE}[0].name", "Kubernetes' own users"),
    (issuers({**CI, "name": "a:b"}), f"{WHERE}[0].name", "not a name of an issuer"),
    (issuers({**CI, "url": "http://ci.example.com"}), f"{WHERE}[0].url", "not the URL"),
    *(
        (issuers({**CI, "url": url}), f"{WHERE}[0].url", "not the URL")
        for url in ("https://a@b", "https://a:b/", "https://a/%zz", "https://a?b", "https://[a")
    ),
    (
        issuers({**CI, "url": "https://kubernetes.default.svc.cluster.local"}),
        f"{WHERE}[0].url",
        "the cluster's own issuer",
    ),
    (
        issuers({**CI, "discoveryURL": "https://ci.example.com/"}),
        f"{WHERE}[0].discoveryURL",
        "the same as the issuer's URL",
    ),
    (issuers({"name": "ci", "url": "https://a"}), f"{WHERE}[0].audiences", "missing"),
    (issuers({**CI, "audiences": []}), f"{WHERE}[0].audiences", "no audience"),
    (issuers({**CI, "audiences": ["a", "a"]}), f"{WHERE}[0].audiences", "listed twice"),
    (
        issuers({**CI, "certificateAuthority": "-----BEGIN CERTIFICATE-----\nAAAA\n"
                 "-----END CERTIFICATE-----"}),
        f"{WHERE}[0].certificateAuthority",
        "not certificates",
    ),
    (issuers(CI, {**CI, "url": "https://b.example.com"}), f"{WHERE}[1].name", "has it, too"),
    (issuers(CI, {**CI, "name": "b"}), f"{WHERE}[1].url", "has it, too"),
    (
        issuers(*({**CI, "name": f"i{n}", "url": f"https://i{n}.example.com"} for n in range(65))),
        WHERE,
        "65 issuers",
    ),
    (tokens({"issuer": "other", "user": "a"}), f"{HOLDERS}[0].issuer", "unknown issuer"),
    (tokens({"issuer": "corporate"}), f"{HOLDERS}[0]", "not one of user and group"),
    (tokens({**GROUP, "user": "a"}), f"{HOLDERS}[0]", "not one of user and group"),
    (tokens({**GROUP, "issuer": "ci"}), f"{HOLDERS}[0].group", "tokens of ci name no groups"),
    (tokens(GROUP, GROUP), f"{HOLDERS}[1]", "listed twice"),
    (tokens({**GROUP, "group": " a"}), f"{HOLDERS}[0].group", "begins or ends with a blank"),
    (
        [("apiServer", {"extraArgs": {"oidc-issuer-url": "https://a"}})],
        "apiServer.extraArgs.oidc-issuer-url",
        "set authentication.issuers instead",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]} {case[2]}")
def test_refused(case: Case) -> None:
    check_refused(CONTAINER, case)
