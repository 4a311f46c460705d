"""What `fleet status` says of pods, from a cluster's API."""

from pathlib import Path

import pytest

from ops.kube import reachability
from scripts.fleet.nodes import NodeRow
from scripts.fleet.pod_problems import read_pod_problems
from tests.components.providers.test_health_check import NODES, PODS, node
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_reachability import SINCE, cluster, log, probe, says


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path) -> Path:
    path = tmp_path / "cluster1"
    path.write_text(api.kubeconfig)
    return path


def shown(kubeconfig: Path) -> list[str]:
    return read_pod_problems([kubeconfig], {"cluster1"})


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
    (line,) = shown(kubeconfig)
    assert line.startswith(
        f"cluster1: pods on n0 cannot reach pods on n2 (10.244.2.5) since {SINCE}: see "
    )


def test_a_peer_that_was_not_tried_yet_is_no_failure(api: Api, kubeconfig: Path) -> None:
    cluster(api, 3)
    says(api, 0, {1})
    says(api, 1, {0, 2})
    says(api, 2, {0, 1})
    assert shown(kubeconfig) == []


def test_probes_and_dns_that_do_not_work_are_named(api: Api, kubeconfig: Path) -> None:
    cluster(api, 2)
    api.answers[PODS] = (200, {"items": [probe(0, ready="False")]})
    assert [line.partition(":")[2].strip() for line in shown(kubeconfig)] == [
        "CoreDNS: no pod is Ready: probe-n0 on n0: Pending (probe ImagePullBackOff no such image)",
        "probe pod on n0: has not reached a Service: "
        "probe-n0 on n0: Pending (probe ImagePullBackOff no such image)",
        "probe pod on n1: not scheduled",
    ]


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
        "cluster1: the state of its pods cannot be read: 403 Forbidden: pods is forbidden"
    ]


def test_only_clusters_that_answered_are_asked(api: Api, kubeconfig: Path) -> None:
    assert read_pod_problems([kubeconfig], set()) == []
    assert api.asked == []
    assert [row.is_node for row in (NodeRow("a"), NodeRow("a", name="n"))] == [False, True]
