"""A preview names what the drains of a rollout delete for good."""

from typing import Any

import pytest

from components.providers.rollout import RolloutProvider
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODES_PATH, PODS_PATH, found, pod
from tests.ops.rollout.examples import inputs

RECORD = "GET /api/v1/namespaces/kube-system/configmaps/kubeadm-fleet-rollout"
LOST = "; pods without a controller deleted permanently (1): shop/bare"


@pytest.fixture(autouse=True)
def cluster(api: Api) -> None:
    """A cluster with a pod that nothing recreates on each Node."""
    nodes = [found("True", name) for name in inputs()["machines"]]
    api.answers[f"GET {NODES_PATH}"] = (200, {"items": nodes})
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": [pod("bare")]})


def planned(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, str]:
    plan: dict[str, str] = RolloutProvider().check(olds, news).inputs["plan"]
    return plan


def test_the_plan_names_what_the_drain_of_a_machine_deletes(api: Api) -> None:
    olds = inputs(identity=api.identity)
    plan = planned(olds, inputs(identity=api.identity, version="v1.36.4"))
    assert len(plan) == 6
    assert all(sentence.endswith(f"uncordoned when Ready{LOST}") for sentence in plan.values())
    assert len(api.asked) == 1 + 1 + 6 + 1, "the record, Nodes, pods of each, and webhooks"


def test_the_plan_names_what_goes_with_a_machine_that_leaves(api: Api) -> None:
    olds = inputs(identity=api.identity)
    news = inputs(identity=api.identity)
    del news["machines"]["a-worker-2"]
    news["machine_ids"] = {**news["machine_ids"], "a-worker-1": "another"}
    plan = planned(olds, news)
    joins = "another machine joins in its place"
    assert plan["a-worker-1"] == f"replaced: drained, its Node deleted; {joins}{LOST}"
    assert plan["a-worker-2"] == f"removed: drained, its Node deleted{LOST}"


@pytest.mark.parametrize("change", [{}, {"kubelet_document": "maxPods: 50"}])
def test_without_a_drain_only_the_record_is_read(api: Api, change: dict[str, Any]) -> None:
    olds = inputs(identity=api.identity)
    planned(olds, inputs(identity=api.identity, **change))
    planned({}, inputs(identity=api.identity))
    assert api.asked == [RECORD]


def test_a_missing_credential_does_not_hide_the_plan() -> None:
    plan = planned(inputs(), inputs(version="v1.36.4"))
    unknown = "what its drain deletes is unknown: the program's credential is not on this host"
    assert all(sentence.endswith(f"uncordoned when Ready; {unknown}") for sentence in plan.values())
