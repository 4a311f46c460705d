"""How long a drain waits for a Node that is not Ready, and what it then leaves undone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client, drain, liveness, retirement
from ops.kube.liveness import OUT_OF_SERVICE, TOLERATION_SECONDS, Liveness
from ops.kube.nodes import Nodes
from tests.ops.kube.api_server import Answer, Api
from tests.ops.kube.pod_fixture import (
    BUDGETS_PATH,
    NODE,
    NODE_PATH,
    PING_PATH,
    PODS_PATH,
    PodFixture,
    found,
    pod,
)

SILENT = (503, {"message": "dial tcp: no route to host"})
DOWN = [{"key": OUT_OF_SERVICE, "value": "nodeshutdown", "effect": "NoExecute"}]
LONG = TOLERATION_SECONDS + 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(drain, "FORCED_SECONDS", 0.1)
    monkeypatch.setattr(liveness, "OBSERVED_SECONDS", 0)
    monkeypatch.setattr(liveness, "OBSERVED_SECONDS_IF_DOWN", 0)


def retire(
    api: Api, seconds: float = 60, *, force: bool = False, is_dead: bool = False
) -> list[str]:
    """Retire the Node; return what was reported meanwhile."""
    reported: list[str] = []
    retirement.retire(
        Nodes(client.of(api.kubeconfig)),
        NODE,
        deadline_seconds=seconds,
        force=force,
        is_dead=is_dead,
        report=reported.append,
    )
    return reported


def left(api: Api, *, is_dead: bool = False) -> float:
    """How long the Node may still come back."""
    return Liveness(
        Nodes(client.of(api.kubeconfig)).client, NODE, is_dead=is_dead
    ).seconds_until_lost()


@pytest.mark.parametrize("ready", ["Unknown", "False"])
def test_pods_of_a_lost_node_are_evicted_but_not_waited_for(api: Api, ready: str) -> None:
    pods = PodFixture(api, "web", "db", held={"web": -1})
    api.answers[f"GET {NODE_PATH}"] = (200, found(ready, seconds=LONG))
    retire(api)
    assert list(pods.left) == ["web"]


@pytest.mark.parametrize("ready", ["Unknown", "False"])
def test_a_node_is_lost_when_kubernetes_gives_its_pods_up(api: Api, ready: str) -> None:
    api.answers[f"GET {NODE_PATH}"] = (200, found(ready, seconds=LONG - 40))
    assert 30 < left(api) < 41
    api.answers[f"GET {NODE_PATH}"] = (200, found(ready, seconds=LONG))
    assert left(api) <= 0


def test_a_node_that_never_reported_counts_from_its_registration(api: Api) -> None:
    api.answers[f"GET {NODE_PATH}"] = (
        200,
        {"metadata": {"name": NODE, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}},
    )
    assert left(api) <= 0


def test_a_wrong_clock_does_not_make_a_node_lost_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "OBSERVED_SECONDS", 10)
    api.answers[f"GET {NODE_PATH}"] = (200, found("False", seconds=LONG))
    assert 9 < left(api) <= 10


def test_a_ready_node_is_not_lost_whether_or_not_the_api_reaches_its_kubelet(
    api: Api,
) -> None:
    api.answers[f"GET {NODE_PATH}"] = (200, found("True", seconds=LONG))
    api.answers[f"GET {PING_PATH}"] = SILENT
    assert left(api) == float("inf")
    assert f"GET {PING_PATH}" not in api.asked


@pytest.mark.parametrize("answer", [(503, {}), (429, {}), (500, {})])
def test_a_node_is_not_lost_while_the_api_is_unavailable(api: Api, answer: Answer) -> None:
    api.answers[f"GET {NODE_PATH}"] = answer
    assert left(api) == left(api, is_dead=True) == float("inf")


@pytest.mark.parametrize("is_dead", [False, True])
def test_a_deleted_node_and_one_that_is_out_of_service_are_lost(api: Api, is_dead: bool) -> None:
    assert left(api, is_dead=is_dead) <= 0
    api.answers[f"GET {NODE_PATH}"] = (200, found("True", taints=DOWN))
    assert left(api, is_dead=is_dead) <= 0


@pytest.mark.parametrize(
    ("ready", "ping", "lost"),
    [
        ("True", (200, {}), False),
        ("True", (403, {}), False),
        ("True", (429, {}), False),
        ("True", SILENT, True),
        ("Unknown", SILENT, True),
    ],
)
def test_the_kubelet_is_asked_with_other_evidence_that_the_machine_is_down(
    api: Api, ready: str, ping: Answer, lost: bool
) -> None:
    api.answers[f"GET {NODE_PATH}"] = (200, found(ready))
    api.answers[f"GET {PING_PATH}"] = ping
    assert (left(api, is_dead=True) <= 0) is lost


def test_pods_of_a_silent_kubelet_on_a_machine_that_is_down_are_not_waited_for(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {PING_PATH}"] = SILENT
    retire(api, is_dead=True)
    assert list(pods.left) == ["web"]


def test_pods_of_a_responding_kubelet_are_waited_for(api: Api) -> None:
    PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
    with pytest.raises(OperatorError, match="shop/web"):
        retire(api, 1, is_dead=True)


def test_a_briefly_not_ready_node_is_not_lost(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": 3})
    looks = iter(["False", "False"])
    api.answers[f"GET {NODE_PATH}"] = lambda: (200, found(next(looks, "True")))
    assert retire(api) == []
    assert pods.left == {}


def test_a_drain_waits_beyond_its_deadline_for_a_node_that_may_come_back(api: Api) -> None:
    """Its kubelet is silent, then terminates the pod."""
    pods = PodFixture(api)
    pods.left["web"] = pod("web", deletionTimestamp="2026-01-01T00:00:00Z")

    def looks() -> Iterator[dict[str, Any]]:
        yield from [found("Unknown", seconds=200)] * 3
        pods.left.clear()
        while True:
            yield found("True")

    states = looks()
    api.answers[f"GET {NODE_PATH}"] = lambda: (200, next(states))
    (reported,) = retire(api, 0)
    assert re.fullmatch(r"its Node is not Ready: waiting up to \d+ s for shop/web", reported)
    assert len([asked for asked in api.asked if asked == f"GET {PODS_PATH}"]) > 1


def test_a_drain_waits_beyond_its_deadline_only_until_the_node_is_lost(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {NODE_PATH}"] = (200, found("Unknown", seconds=TOLERATION_SECONDS - 1))
    retire(api, 0)
    assert list(pods.left) == ["web"]


def test_force_does_not_wait_for_a_node_that_is_not_ready(api: Api) -> None:
    pods = PodFixture(api, held={"web": -1})
    pods.left["web"] = pod("web", deletionTimestamp="2026-01-01T00:00:00Z")
    api.answers[f"GET {NODE_PATH}"] = (200, found("Unknown"))
    retire(api, 0, force=True)
    api.answers[f"GET {NODE_PATH}"] = (200, found("True"))
    with pytest.raises(OperatorError, match="kubelet does not terminate them"):
        retire(api, 0, force=True)
