"""Whether any Node can run kubeadm's health check, a Job."""

from typing import Any

import pytest

from ops.kube import client
from ops.kube.node import ROLE_TAINT
from ops.kube.nodes import Nodes
from ops.rollout.execution import HEALTH_JOB
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODES_PATH, found, tainted

KEY, _, EFFECT = ROLE_TAINT.partition(":")
PLANE: dict[str, Any] = {"taints": [{"key": KEY, "effect": EFFECT}]}


@pytest.mark.parametrize(
    ("nodes", "possible"),
    [
        ([found("True", "plane", **PLANE), tainted()], True),
        ([found("True", "plane", **PLANE, unschedulable=True), tainted()], False),
        ([found("True", "plane", **PLANE, unschedulable=True), found("True")], True),
        ([found("True", "plane", **PLANE, unschedulable=True), found("Unknown")], False),
    ],
)
def test_health_check_runs_on_control_planes_and_on_workers_without_taints(
    api: Api, nodes: list[dict[str, Any]], possible: bool
) -> None:
    api.answers[f"GET {NODES_PATH}"] = (200, {"items": nodes})
    assert Nodes(client.of(api.kubeconfig)).can_take(HEALTH_JOB) is possible
