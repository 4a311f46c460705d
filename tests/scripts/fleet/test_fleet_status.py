"""What `fleet status` says of pods, from a cluster's API."""

from pathlib import Path

import pytest

from model.status.condition import Condition
from ops.kube import reachability
from scripts.fleet.fleet_status import ask
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import of_kubeconfig
from tests.components.providers.test_health_check import NODES, PODS, node
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_reachability import SINCE, cluster, log, probe, says
from tests.scripts.fleet.status_api import serve


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path) -> Path:
    serve(api)
    path = tmp_path / "cluster1"
    path.write_text(api.kubeconfig)
    return path


def conditions(kubeconfig: Path) -> list[Condition]:
    targets = of_kubeconfig(kubeconfig, is_ours=True)
    asked = ask(targets, 20, StatusCache(kubeconfig.with_name("cache")))
    return [each for each in asked.status.all_conditions if each.is_problem]


def shown(kubeconfig: Path) -> list[str]:
    return [each.message for each in conditions(kubeconfig) if each.kind != "Node"]


def test_pods_that_reach_each_other_are_no_problem(api: Api, kubeconfig: Path) -> None:
    cluster(api, 3)
    for index in range(3):
        says(api, index, {0, 1, 2})
    assert shown(kubeconfig) == []


def test_since_when_two_nodes_do_not_reach_each_other(api: Api, kubeconfig: Path) -> None:
    cluster(api, 3)
    says(api, 0, {1}, unreached={2: SINCE})
    says(api, 1, {0, 2})
    says(api, 2, {0, 1})
    (found,) = conditions(kubeconfig)
    assert found.message.startswith(
        f"pods on n0 cannot reach pods on n2 (10.244.2.5) since {SINCE}: see "
    )
    assert found.reason == "PodsUnreachable"
    assert f"{found.since:%Y-%m-%dT%H:%M:%SZ}" == SINCE


def test_a_peer_that_was_not_tried_yet_is_no_failure(api: Api, kubeconfig: Path) -> None:
    cluster(api, 3)
    says(api, 0, {1})
    says(api, 1, {0, 2})
    says(api, 2, {0, 1})
    assert shown(kubeconfig) == []


def test_probes_and_dns_that_do_not_work_are_named(api: Api, kubeconfig: Path) -> None:
    cluster(api, 2)
    api.answers[PODS] = (200, {"items": [probe(0, ready="False")]})
    assert shown(kubeconfig) == [
        "CoreDNS: no pod is Ready: probe-n0 on n0: Pending (probe ImagePullBackOff no such image)",
        "probe pod on n0: has not reached a Service: "
        "probe-n0 on n0: Pending (probe ImagePullBackOff no such image)",
        "probe pod on n1: not scheduled",
    ]


def test_a_probe_that_runs_and_reaches_nothing_says_what_is_not_ready(
    api: Api, kubeconfig: Path
) -> None:
    cluster(api, 2)
    broken = probe(0, ready="False")
    unready = "containers with unready status: [probe]"
    broken["status"] |= {
        "phase": "Running",
        "containerStatuses": [{"name": "probe", "state": {"running": {}}}],
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "False", "message": unready},
        ],
    }
    api.answers[PODS] = (200, {"items": [broken]})
    assert f"probe-n0 on n0: Running ({unready})" in shown(kubeconfig)[1]


def test_nodes_that_are_not_ready_are_left_to_their_own_row(api: Api, kubeconfig: Path) -> None:
    cluster(api, 2)
    api.answers[NODES] = (200, {"items": [node("n0"), node("n1", ready="False")]})
    assert shown(kubeconfig) == []


def test_a_large_cluster_is_read_as_a_sample(api: Api, kubeconfig: Path) -> None:
    size = reachability.SAMPLE + 20
    cluster(api, size)
    for index in range(size):
        says(api, index, set(), unreached={(index + 1) % size: SINCE, (index + 2) % size: SINCE})
    assert shown(kubeconfig)
    logs = [log(index) for index in range(size)]
    assert len([path for path in api.asked if path in logs]) == reachability.SAMPLE


def test_a_user_who_may_not_read_pods_is_told(api: Api, kubeconfig: Path) -> None:
    cluster(api, 2)
    api.answers[PODS] = (403, {"message": "pods is forbidden"})
    assert shown(kubeconfig) == [
        "the state of its pods cannot be read: 403 Forbidden: pods is forbidden"
    ]
