"""What the API answers to an eviction or a deletion, pod by pod."""

import time
from collections.abc import Iterator
from threading import Barrier
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client, drain, retirement
from ops.kube.nodes import Nodes
from tests.ops.kube.api_server import Answer, Api
from tests.ops.kube.pod_fixture import BUDGETS_PATH, EVERYTHING, NODE, PODS_PATH, PodFixture, pod

PODS = "/api/v1/namespaces/shop/pods"
EVICT = f"POST {PODS}/web/eviction"
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not"
CAUSES = [{"reason": "NamespaceTerminating", "message": "", "field": "metadata.namespace"}]
REFUSALS: list[Answer] = [
    (400, {"message": 'admission webhook "drain" denied the request'}),
    (403, {"message": "it is being terminated", "details": {"causes": CAUSES}}),
    (403, {"message": "no right to evict"}),
    (429, {"message": "it would break the budget"}),
    (500, {"message": SEVERAL}),
    (500, {"message": 'failed calling webhook "drain": EOF'}),
    (503, {"message": "the server is currently unable to handle the request"}),
    (504, {"message": "Timeout: request did not complete within requested timeout"}),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)


def emptied(api: Api, *, force: bool = False, seconds: float = 5) -> str:
    return retirement.drain(
        Nodes(client.of(api.kubeconfig)), NODE, deadline_seconds=seconds, force=force
    )


def evicts(pods: PodFixture, *first: Answer) -> None:
    """Have the first evictions of the pod refused like that."""
    answers, later = iter(first), pods.api.answers[EVICT]
    assert callable(later)
    pods.api.answers[EVICT] = lambda: next(answers, None) or later()


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_for_one_pod_does_not_stop_the_drain(api: Api, refusal: Answer) -> None:
    pods = PodFixture(api, "web", "db")
    evicts(pods, refusal, refusal)
    emptied(api)
    assert pods.left == {}
    assert api.asked.count(EVICT) == 3


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_persistent_refusal_is_reported_once_all_other_pods_have_left(
    api: Api, refusal: Answer
) -> None:
    pods = PodFixture(api, "web", "db")
    api.answers[EVICT] = refusal
    with pytest.raises(OperatorError) as raised:
        emptied(api, seconds=0.5)
    assert f"shop/web (not evicted: {refusal[1]['message']})" in str(raised.value)
    assert list(pods.left) == ["web"]


@pytest.mark.parametrize("status", [404, 409])
def test_a_pod_that_disappeared_is_not_an_error(api: Api, status: int) -> None:
    pods = PodFixture(api, "web", "db")

    def gone() -> Answer:
        pods.left.pop("web", None)
        return status, {"message": "gone"}

    api.answers[EVICT] = gone
    emptied(api)
    assert pods.left == {}


def test_eviction_and_deletion_identify_the_pod_by_uid(api: Api) -> None:
    """A StatefulSet's next pod has the name of the former one, maybe on another Node."""
    pods = PodFixture(api, "web")
    api.answers[EVICT] = (429, {"message": "no"})
    emptied(api, force=True, seconds=0)
    assert pods.left == {}
    assert api.sent[EVICT]["deleteOptions"] == {"preconditions": {"uid": "web"}}
    assert api.sent[f"DELETE {PODS}/web"]["preconditions"] == {"uid": "web"}


@pytest.mark.parametrize("force", [False, True])
def test_a_successor_of_the_same_name_is_left_alone(api: Api, force: bool) -> None:
    """It tolerates everything, and is back on the Node before its predecessor is missed."""
    pods = PodFixture(api, "web")

    def succeeds() -> Answer:
        pods.left["web"] = pod("web", uid="second") | {"spec": {"tolerations": EVERYTHING}}
        return 201, {}

    api.answers[EVICT] = succeeds
    emptied(api, force=force)
    assert [each["metadata"]["uid"] for each in pods.left.values()] == ["second"]
    assert api.asked.count(EVICT) == 1
    assert f"DELETE {PODS}/web" not in api.asked


def test_an_eviction_is_repeated_when_the_api_allows_it_but_soon_enough(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = PodFixture(api, "web", "db")
    still = "The disruption budget web is still being processed by the server."
    evicts(pods, (429, {"message": still, "details": {"retryAfterSeconds": 1}}))
    began = time.monotonic()
    emptied(api)
    assert time.monotonic() - began > 1
    assert api.asked.count(EVICT) == 2
    monkeypatch.setattr(drain, "RETRY_AFTER_SECONDS", 0.05)
    pods.add("web")
    evicts(pods, (429, {"message": still, "details": {"retryAfterSeconds": 3600}}))
    emptied(api)
    assert pods.left == {}


def test_a_slow_eviction_does_not_delay_the_others(api: Api) -> None:
    """As an admission webhook's may be: each is answered once all were asked for."""
    names = ("web", "db", "cache")
    pods = PodFixture(api, *names)
    together = Barrier(len(names))
    for name in names:
        path = f"POST {PODS}/{name}/eviction"
        ends = api.answers[path]
        assert callable(ends)

        def waits(ends: Any = ends) -> Answer:
            together.wait(timeout=5)
            answer: Answer = ends()
            return answer

        api.answers[path] = waits
    emptied(api)
    assert pods.left == {}


def test_finished_pods_are_neither_evicted_nor_waited_for(api: Api) -> None:
    """Their logs and their records stay; a finalizer may keep one that was told to end."""
    pods = PodFixture(api)
    ends = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["shop/kept"]}
    for name, phase, metadata in (
        ("job", "Succeeded", {}),
        ("bare", "Failed", {}),
        ("kept", "Failed", ends),
    ):
        pods.left[name] = pod(name, **metadata) | {"status": {"phase": phase}}
    emptied(api, seconds=0)
    assert [asked for asked in api.asked if not asked.startswith("GET")] == []


def test_the_grace_period_of_a_terminating_pod_is_reported(api: Api) -> None:
    pods = PodFixture(api)
    ends = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 3600}
    pods.left["slow"] = pod("slow", **ends)
    with pytest.raises(OperatorError, match=r"shop/slow \(terminating, grace period 3600 s\)"):
        emptied(api, seconds=0)


def test_pods_are_named_even_if_the_budgets_cannot_be_read(api: Api) -> None:
    PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {BUDGETS_PATH}"] = (403, {"message": "no right to list budgets"})
    with pytest.raises(OperatorError, match=r"shop/web \(not evicted: it would break the budget"):
        emptied(api, seconds=0)


def test_a_refused_deletion_is_not_blamed_on_the_kubelet(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "FORCED_SECONDS", 0.1)
    PodFixture(api, "web", held={"web": -1})
    api.answers[f"DELETE {PODS}/web"] = (403, {"message": "admission webhook denied the request"})
    with pytest.raises(OperatorError, match=r"\(not deleted: admission webhook denied") as raised:
        emptied(api, force=True, seconds=0)
    assert "The API refuses their deletion" in str(raised.value)
    assert "kubelet" not in str(raised.value)


def test_a_long_list_of_pods_is_truncated(api: Api) -> None:
    names = [f"web-{number:02}" for number in range(12)]
    PodFixture(api, *names, held=dict.fromkeys(names, -1))
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
    with pytest.raises(OperatorError, match=r"shop/web-09 \([^)]*\); 2 more\.") as raised:
        emptied(api, seconds=0)
    assert "web-10" not in str(raised.value)


def test_an_overloaded_api_is_waited_for(api: Api) -> None:
    """It answers 429 in plain text."""
    PodFixture(api)
    answers: Iterator[Answer] = iter([(429, {}), (200, {"items": []})])
    api.answers[f"GET {PODS_PATH}"] = lambda: next(answers)
    emptied(api)
