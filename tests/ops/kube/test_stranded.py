"""Pods that a drain leaves alone for reasons that lie outside of the pod and its Node's taints."""

from typing import Any

import pytest

from ops.kube import client, losses, retirement, webhooks
from ops.kube.nodes import Nodes
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODE, OTHER, PodFixture

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
NAMESPACE = "GET /api/v1/namespaces/shop"
OPTED_OUT = {"matchExpressions": [{"key": "exempt", "operator": "DoesNotExist"}]}
STAYS = "shop/hook (without it the webhook pods.example.com refuses its successor)"


def drained(api: Api) -> str:
    return retirement.drain(Nodes(client.of(api.kubeconfig)), NODE, deadline_seconds=2, force=False)


def webhook(**changes: Any) -> dict[str, Any]:
    """A webhook that judges every new pod."""
    rule = {"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}
    return {
        "name": "pods.example.com",
        "clientConfig": {"service": {"namespace": "shop", "name": "hook"}},
        "failurePolicy": "Fail",
        "rules": [rule],
        **changes,
    }


def install(api: Api, hook: dict[str, Any], *backends: str, kind: str = "validating") -> None:
    """Let the cluster have it, with these pods behind its Service."""
    path = f"GET {ADMISSION}/{kind}webhookconfigurations"
    for each in ("validating", "mutating"):
        api.answers[f"GET {ADMISSION}/{each}webhookconfigurations"] = (200, {"items": []})
    api.answers[path] = (200, {"items": [{"webhooks": [hook]}]})
    endpoints = [{"targetRef": {"uid": name}, "conditions": {"ready": True}} for name in backends]
    late = {"targetRef": {"uid": "late"}, "conditions": {"ready": False}}
    api.answers[f"GET {SLICES}"] = (200, {"items": [{"endpoints": [*endpoints, late]}]})
    api.answers[NAMESPACE] = (200, {"metadata": {"name": "shop", "labels": {"exempt": ""}}})


@pytest.mark.parametrize("kind", ["validating", "mutating"])
def test_the_only_backend_of_a_webhook_that_judges_its_successor_stays(api: Api, kind: str) -> None:
    pods = PodFixture(api, "hook", "web")
    install(api, webhook(), "hook", kind=kind)
    said = losses.of_drains(client.of(api.kubeconfig), {NODE: False})[NODE]
    assert "no other Node can take stay and keep running (1): shop/hook" in said
    assert drained(api) == STAYS
    assert [*pods.left] == ["hook"]


@pytest.mark.parametrize(
    ("changes", "backends"),
    [
        ({}, ("hook", "elsewhere")),
        ({}, ()),
        ({"failurePolicy": "Ignore"}, ("hook",)),
        ({"namespaceSelector": OPTED_OUT}, ("hook",)),
        ({"objectSelector": {"matchLabels": {"app": "web"}}}, ("hook",)),
        ({"clientConfig": {"url": "https://example.com"}}, ("hook",)),
        (
            {"rules": [{"operations": ["CREATE"], "apiGroups": [""], "resources": ["services"]}]},
            ("hook",),
        ),
        (
            {"rules": [{"operations": ["UPDATE"], "apiGroups": ["*"], "resources": ["*"]}]},
            ("hook",),
        ),
    ],
)
def test_other_backends_are_evicted(
    api: Api, changes: dict[str, Any], backends: tuple[str, ...]
) -> None:
    pods = PodFixture(api, "hook")
    install(api, webhook(**changes), *backends)
    assert drained(api) == ""
    assert [*pods.left] == []


def test_a_webhook_of_everything_counts(api: Api) -> None:
    PodFixture(api, "hook")
    rule = {"operations": ["*"], "apiGroups": ["*"], "resources": ["*/*"]}
    install(api, webhook(rules=[rule]), "hook")
    assert drained(api) == STAYS


def with_volume(api: Api, host: str) -> PodFixture:
    """A pod with a volume on the local disk of a host, beside one without."""
    pods = PodFixture(api, "web")
    pods.add("db", volumes=[{"persistentVolumeClaim": {"claimName": "data"}}])
    claim = {"spec": {"volumeName": "disk-7"}}
    term = {"matchExpressions": [{"key": "host", "operator": "In", "values": [host]}]}
    volume = {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}}
    api.answers["GET /api/v1/namespaces/shop/persistentvolumeclaims/data"] = (200, claim)
    api.answers["GET /api/v1/persistentvolumes/disk-7"] = (200, volume)
    for node in pods.nodes:
        node["metadata"]["labels"] = {"host": node["metadata"]["name"]}
    return pods


def test_a_pod_with_a_local_volume_stays_with_it(api: Api) -> None:
    pods = with_volume(api, NODE)
    assert drained(api) == f"shop/db ({OTHER} cannot reach its volume)"
    assert [*pods.left] == ["db"]


def test_a_pod_whose_volume_another_node_can_reach_is_evicted(api: Api) -> None:
    pods = with_volume(api, OTHER)
    assert drained(api) == ""
    assert [*pods.left] == []


def test_a_webhook_that_nothing_answers_for_is_named(api: Api) -> None:
    install(api, webhook(), "hook")
    asks = client.of(api.kubeconfig)
    found = webhooks.read(asks)
    assert webhooks.unanswered(asks, found) == {}
    late = {"conditions": {"ready": False}}
    for slices in ([], [{"endpoints": None}], [{"endpoints": [late]}]):
        api.answers[f"GET {SLICES}"] = (200, {"items": slices})
        assert webhooks.unanswered(asks, found) == {"pods.example.com": "shop/hook"}
    api.answers[f"GET {SLICES}"] = (403, {"kind": "Status"})
    assert webhooks.unanswered(asks, found) == {}, "it is not known"
