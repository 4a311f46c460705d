"""Connectivity failures between pods, from the probes' logs."""

from typing import Any

import pytest

from components.providers.health_check import ClusterHealthCheckProvider
from ops.kube import reachability
from tests.components.providers.test_health_check import NODES, PODS, node, pod, props
from tests.ops.kube.api_server import Api

SINCE = "2026-11-23T12:34:56Z"


def address(index: int) -> str:
    return f"10.244.{index}.5"


def cluster(api: Api, size: int) -> list[str]:
    """A cluster of Nodes n0, n1, ... where everything but the probes' logs is as it should be."""
    names = [f"n{index}" for index in range(size)]
    api.answers[NODES] = (200, {"items": [node(name) for name in names]})
    api.answers[PODS] = (200, {"items": [probe(index) for index in range(size)]})
    return names


def probe(index: int, ready: str = "True", **metadata: str) -> dict[str, Any]:
    made = pod(f"probe-n{index}", f"n{index}", ready)
    made["metadata"] |= metadata
    made["status"]["podIP"] = address(index)
    return made


def says(
    api: Api, index: int, reached: set[int], *, unreached: dict[int, str] | None = None
) -> None:
    """Have the probe on Node n<index> log which of the others it reached."""
    line = {
        "time": SINCE,
        "address": address(index),
        "reached": [address(each) for each in sorted(reached - {index})],
        "unreached": {address(each): since for each, since in (unreached or {}).items()},
    }
    api.answers[log(index)] = (200, line)


def test_a_probe_that_stopped_to_report_is_not_believed(api: Api) -> None:
    names = cluster(api, 2)
    says(api, 0, {1})
    says(api, 1, {0})
    api.answers[log(1)][1]["time"] = "2026-11-23T12:29:55Z"  # type: ignore[index]
    (line,) = missing(api, names)
    assert line == "probe pod probe-n1 on n1: it has not reported since 2026-11-23T12:29:55Z"


def log(index: int) -> str:
    return f"GET /api/v1/namespaces/kube-system/pods/probe-n{index}/log"


def missing(api: Api, names: list[str]) -> list[str]:
    found: dict[str, Any] = ClusterHealthCheckProvider().read("id", props(api, *names)).outs or {}
    lines: list[str] = found["observed"]["missing"]
    return lines


def test_nothing_is_missing_when_all_pods_reach_each_other(api: Api) -> None:
    names = cluster(api, 3)
    for index in range(3):
        says(api, index, {0, 1, 2})
    assert missing(api, names) == []


def test_a_single_node_needs_no_peers(api: Api) -> None:
    assert missing(api, cluster(api, 1)) == []
    assert log(0) not in api.asked


def test_a_one_way_failure_names_both_nodes_and_the_time(api: Api) -> None:
    names = cluster(api, 3)
    says(api, 0, {1}, unreached={2: SINCE})
    says(api, 1, {0, 2})
    says(api, 2, {0, 1})
    (line,) = missing(api, names)
    assert line.startswith(f"pods on n0 cannot reach pods on n2 (10.244.2.5) since {SINCE}: see ")
    assert "kubectl -n kube-system logs probe-n0" in line


def test_a_failure_between_two_nodes_names_both(api: Api) -> None:
    names = cluster(api, 2)
    says(api, 0, set(), unreached={1: SINCE})
    says(api, 1, {0})
    (line,) = missing(api, names)
    assert line.startswith(f"pods on n0 cannot reach pods on n1 (10.244.1.5) since {SINCE}: ")


def test_a_probe_must_be_reached_at_its_new_address(api: Api) -> None:
    """As the Node that registered again: its former address is what the others once reached."""
    names = cluster(api, 2)
    says(api, 0, {7})
    says(api, 1, {0})
    (line,) = missing(api, names)
    assert line.startswith("pods on n0 cannot reach pods on n1 (10.244.1.5) yet: ")


def test_an_unreachable_node_is_reported_in_one_line(api: Api) -> None:
    names = cluster(api, 30)
    says(api, 0, set(range(30)))
    for index in range(1, 30):
        says(api, index, set(range(1, 30)), unreached={0: f"2026-11-23T12:34:{index:02d}Z"})
    (line,) = missing(api, names)
    assert line.startswith(
        "pods on n0 (10.244.0.5) cannot be reached from any other Node since 2026-11-23T12:34:29Z: "
    )


def test_an_isolated_node_is_reported_in_one_line(api: Api) -> None:
    names = cluster(api, 30)
    says(api, 0, set(), unreached=dict.fromkeys(range(1, 30), SINCE))
    for index in range(1, 30):
        says(api, index, set(range(30)))
    (line,) = missing(api, names)
    assert line.startswith(f"pods on n0 reach no other Node since {SINCE}: ")


def test_long_lists_of_findings_are_truncated(api: Api) -> None:
    names = cluster(api, 30)
    for index in range(30):
        says(api, index, set(range(30)) - {(index + 1) % 30}, unreached={(index + 1) % 30: SINCE})
    lines = missing(api, names)
    assert len(lines) == 11
    assert lines[-1] == "and 20 more of this kind"


def test_unready_nodes_and_probes_are_reported_once(api: Api) -> None:
    names = cluster(api, 4)
    api.answers[NODES] = (
        200,
        {"items": [node("n0"), node("n1", ready="False"), node("n2"), node("n3")]},
    )
    api.answers[PODS] = (
        200,
        {"items": [probe(0), probe(1), probe(2, ready="False"), probe(3)]},
    )
    says(api, 0, {3}, unreached={1: SINCE, 2: SINCE})
    says(api, 3, {0}, unreached={1: SINCE, 2: SINCE})
    assert [line.partition(":")[0] for line in missing(api, names)] == [
        "Node n1",
        "probe pod on n2",
    ]


def test_a_terminating_probe_is_not_mistaken_for_its_successor(api: Api) -> None:
    names = cluster(api, 2)
    ends = probe(1, deletionTimestamp=SINCE)
    ends["status"]["podIP"] = "10.244.9.9"
    api.answers[PODS] = (200, {"items": [probe(0), probe(1), ends]})
    says(api, 0, {1})
    says(api, 1, {0})
    assert missing(api, names) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, {"message": "dial tcp 192.0.2.11:10250: refused"}), "its log cannot be read: "),
        ((200, {}), "it has not reported yet"),
    ],
)
def test_an_empty_probe_log_is_reported(
    api: Api, answer: tuple[int, dict[str, Any]], said: str
) -> None:
    names = cluster(api, 2)
    says(api, 0, {1})
    api.answers[log(1)] = answer
    (line,) = missing(api, names)
    assert line.startswith(f"probe pod probe-n1 on n1: {said}")


def test_in_a_large_cluster_a_few_peers_per_probe_suffice(api: Api) -> None:
    size = reachability.ALL_UP_TO + 10
    names = cluster(api, size)
    for index in range(size):
        says(api, index, {(index + step) % size for step in range(1, reachability.ENOUGH + 1)})
    assert missing(api, names) == []
    says(api, 0, {1, 2})
    (line,) = missing(api, names)
    assert "cannot reach pods on n3 (10.244.3.5) yet" in line
