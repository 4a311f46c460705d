"""`fleet capacity`, run against an API."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ops.kube import capacity
from ops.kube.kubelets import path as path_of
from ops.kube.node_disks import QUESTION
from ops.kube.prometheus import Source
from scripts.fleet.__main__ import cli
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_capacity import NODES, OF_NODES, OF_PODS, PODS
from tests.scripts.conftest import TOP

SCHEMA = json.loads((TOP / "docs/capacity.schema.json").read_text())
KUBE_CAPACITY = [
    *("CPU REQUESTS", "CPU LIMITS", "CPU UTIL"),
    *("MEMORY REQUESTS", "MEMORY LIMITS", "MEMORY UTIL", "POD COUNT"),
]


def node(name: str, cpu: str, zone: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": "1Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(name: str, on: str, cpu: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu, "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    return {
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"nodeName": on, "containers": [{"resources": resources}]},
    }


@pytest.fixture
def kubeconfig(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cluster of two Nodes, with a server of metrics."""
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    used = {"cpu": "20m", "memory": "32Mi"}
    pods = [pod("web", "a", "700m"), pod("db", "b", "500m")]
    of_nodes = [{"metadata": {"name": name}, "usage": used} for name in "ab"]
    of_pods = [{"metadata": each["metadata"], "containers": [{"usage": used}]} for each in pods]
    api.answers |= {
        NODES: (200, {"items": [node("a", "1", "z1"), node("b", "1", "z2", unschedulable=True)]}),
        PODS: (200, {"items": pods}),
        OF_NODES: (200, {"items": of_nodes}),
        OF_PODS: (200, {"items": of_pods}),
    }
    path = tmp_path / "config"
    path.write_text(api.kubeconfig)
    return path


def fleet(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(cli, ["capacity", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def sections(kubeconfig: Path, *arguments: object, status: int = 0) -> list[list[str]]:
    """Return the lines of each table."""
    shown = fleet("--kubeconfig", kubeconfig, *arguments, status=status)
    return [part.splitlines() for part in shown.rstrip().split("\n\n")]


def cells(line: str) -> list[str]:
    return [each.strip() for each in line.split("  ") if each.strip()]


def test_the_columns_are_kube_capacitys(kubeconfig: Path) -> None:
    head, row = sections(kubeconfig)[0]
    assert cells(head) == ["CLUSTER", *KUBE_CAPACITY, "NODES"]
    assert cells(row) == [
        *("cluster1-admin", "1200m (60%)", "0m (0%)", "40m (2%)"),
        *("128Mi (6%)", "256Mi (12%)", "64Mi (3%)", "2/220", "1/2"),
    ]


def test_a_row_for_each_node_and_pod(kubeconfig: Path) -> None:
    (head, everything, first, second), *_ = sections(kubeconfig, "--by", "node")
    assert cells(head)[:3] == ["CLUSTER", "POOL", "NODE"]
    assert cells(everything)[:4] == ["*", "*", "*", "1200m (60%)"]
    assert cells(first)[2:4] == ["a", "700m (70%)"]
    assert cells(second)[-2:] == ["Ready,SchedulingDisabled", "z2"]
    (_, _, of_node, of_pod, *_), *_ = sections(kubeconfig, "--pods")
    assert cells(of_node)[2:6] == ["a", "*", "*", "700m (70%)"]
    assert cells(of_pod)[2:6] == ["a", "shop", "web", "700m (70%)"]


@pytest.mark.parametrize(("by", "names"), [("fleet", ["*"]), ("pool", ["cluster1-admin", "-"])])
def test_what_has_a_row(kubeconfig: Path, by: str, names: list[str]) -> None:
    (_, row), *_ = sections(kubeconfig, "--by", by)
    assert cells(row)[: len(names) + 1] == [*names, "1200m (60%)"]


def test_losses_nodes_to_spare_and_findings(kubeconfig: Path) -> None:
    _, losses, spare, counts = sections(kubeconfig)
    assert [cells(line)[1] for line in losses[2:]] == ["Node a", "zone z1", "zone z2"]
    assert cells(losses[2])[-1] == (
        "no: too little cpu, memory, pods in total; no node for 1 pod: shop/web"
    ), "b is cordoned"
    assert cells(losses[4])[-1] == "no: too little cpu in total; no node for 1 pod: shop/db"
    assert cells(spare[2]) == ["cluster1-admin", "-", "2", "more", "cpu"]
    assert counts == ["Of 2 workloads: 2 over-requested (--workloads names them)"]


def test_workloads(kubeconfig: Path) -> None:
    workloads = sections(kubeconfig, "--workloads", "--reserve", 0)[3]
    assert cells(workloads[2]) == [
        *("cluster1-admin", "shop", "Pod/db", "1", "500m", "0m", "20m"),
        *("64Mi", "128Mi", "32Mi", "CPU over-requested"),
    ]


def test_the_document_is_as_described(kubeconfig: Path) -> None:
    found = json.loads(fleet("--kubeconfig", kubeconfig, "-o", "json", "--pods"))
    assert found.keys() == SCHEMA["properties"].keys()
    (cluster,) = found["clusters"]
    assert cluster.keys() == SCHEMA["$defs"]["ClusterCapacity"]["properties"].keys()
    assert cluster["nodes"][0]["pods"][0]["used"] == {
        "cpuMillicores": 20, "memoryBytes": 32 << 20
    }  # fmt: skip
    as_yaml = yaml.safe_load(fleet("--kubeconfig", kubeconfig, "-o", "yaml"))
    assert as_yaml["clusters"][0]["figures"] == cluster["figures"]
    assert as_yaml["clusters"][0]["nodes"][0]["pods"] == []


def test_wide_and_without_head_lines(kubeconfig: Path) -> None:
    wide = cells(sections(kubeconfig, "-o", "wide")[0][0])
    assert wide[8:10] == ["CPU ALLOCATABLE", "MEMORY ALLOCATABLE"]
    assert wide[10:13] == ["STORAGE REQUESTS", "STORAGE LIMITS", "STORAGE ALLOCATABLE"]
    assert "CLUSTER" not in fleet("--kubeconfig", kubeconfig, "--no-headers")


def with_disks(api: Api) -> None:
    """Have the kubelets answer: 30 of 100 and 90 of 100 GiB are used, and images have no disk."""
    for name, used in (("a", 30), ("b", 90)):
        found = {"capacityBytes": 100 << 30, "availableBytes": (100 - used) << 30}
        api.answers[f"GET {path_of(name, QUESTION)}"] = (200, {"node": {"fs": found}})


def test_disks_of_nodes_and_of_clusters(api: Api, kubeconfig: Path) -> None:
    with_disks(api)
    (head, everything, first, second), *_ = sections(kubeconfig, "--by", "node")
    at = cells(head).index("NODEFS UTIL")
    assert "FULLEST DISK" not in head
    assert cells(everything)[at : at + 2] == ["122880Mi (60%)", "-"]
    assert [cells(row)[at] for row in (first, second)] == ["30720Mi (30%)", "92160Mi (90%)"]
    (head, row), *_ = sections(kubeconfig, "--disks")
    at = cells(head).index("FULLEST DISK")
    assert cells(row)[at - 2 : at + 1] == ["122880Mi (60%)", "-", "90%"]
    found = json.loads(fleet("--kubeconfig", kubeconfig, "-o", "json", "--disks"))
    assert found["figures"]["disks"] == {
        "nodefs": {"capacityBytes": 200 << 30, "usedBytes": 120 << 30, "fullestPercent": 90},
        "imagefs": None,
    }


def test_kubelets_are_asked_only_for_rows_of_nodes_or_when_told_to(
    api: Api, kubeconfig: Path
) -> None:
    with_disks(api)
    shown = fleet("--kubeconfig", kubeconfig, "--by", "pool", "-o", "wide", "--workloads")
    assert not [each for each in api.asked if "/proxy/" in each]
    assert "NODEFS" not in shown


def test_who_may_not_ask_kubelets_gets_a_dash(api: Api, kubeconfig: Path) -> None:
    for name in "ab":
        api.answers[f"GET {path_of(name, QUESTION)}"] = (403, {"message": "no nodes/proxy"})
    (head, row), *_, conditions = sections(kubeconfig, "--disks", status=0)
    at = cells(head).index("NODEFS UTIL")
    assert cells(row)[at : at + 3] == ["-", "-", "-"]
    assert "of 2 nodes" in conditions[-1]
    assert "403 Forbidden: no nodes/proxy" in conditions[-1]


def test_kubelets_that_hang_do_not_hide_the_rest(api: Api, kubeconfig: Path) -> None:
    released = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        released.wait(60)
        return 200, {}

    for name in "ab":
        api.answers[f"GET {path_of(name, QUESTION)}"] = hang
    try:
        (_, row), *_, conditions = sections(kubeconfig, "--disks", "--timeout", 3)
    finally:
        released.set()
    assert cells(row)[1] == "1200m (60%)"
    assert "DisksUnknown" in conditions[-1]


def test_without_metrics_it_says_so(api: Api, kubeconfig: Path) -> None:
    api.answers[OF_NODES] = (404, {})
    (_, row), *_, conditions = sections(kubeconfig)
    assert cells(row)[3] == "-"
    assert capacity.NOT_SERVED in conditions[-1]


def test_metrics_that_hang_do_not_hide_the_rest(api: Api, kubeconfig: Path) -> None:
    released = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        released.wait(60)
        return 200, {"items": []}

    api.answers[OF_NODES] = hang
    try:
        (_, row), *_, conditions = sections(kubeconfig, "--timeout", 5)
    finally:
        released.set()
    assert cells(row)[1] == "1200m (60%)"
    assert "metrics.k8s.io: no answer within 4 s" in conditions[-1]


def test_a_cluster_that_is_down_is_a_condition(kubeconfig: Path) -> None:
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(content))
    (_, row), conditions = sections(kubeconfig, status=1)
    assert cells(row) == ["*", "0m (-)", "0m (-)", "-", "0Mi (-)", "0Mi (-)", "-", "0/0", "0/0"]
    assert "APIUnreachable" in conditions[1]


def test_an_empty_cluster(api: Api, kubeconfig: Path) -> None:
    for path in (NODES, PODS, OF_NODES, OF_PODS):
        api.answers[path] = (200, {"items": []})
    ((_, row),) = sections(kubeconfig)
    assert cells(row)[-2:] == ["0/0", "0/0"]


def test_names_from_a_cluster_are_one_line(api: Api, kubeconfig: Path) -> None:
    hostile = pod("x\x1b[2J\nnewline", "a", "700m")
    api.answers[PODS] = (200, {"items": [hostile]})
    shown = fleet("--kubeconfig", kubeconfig, "--pods")
    assert "\x1b" not in shown
    assert "x [2J newline" in shown


SOURCE = "monitoring/prometheus:9090"
QUERY = f"GET {Source.parse(SOURCE).query_path}"


def with_history(api: Api) -> None:
    """Have a Prometheus say that web used 700m and 700 B, and db's pod nothing."""
    series = {"metric": {"namespace": "shop", "pod": "web"}, "value": [1, "700"]}
    api.answers[QUERY] = (
        200, {"status": "success", "data": {"resultType": "vector", "result": [series]}}
    )  # fmt: skip


def test_workloads_are_judged_by_a_longer_time(api: Api, kubeconfig: Path) -> None:
    with_history(api)
    *_, counts = sections(kubeconfig, "--usage-from", SOURCE)
    assert counts == [
        f"Of 2 workloads, 1 of them by use in 7d ({SOURCE}): 1 under-requested, 1 over-requested "
        "(--workloads names them)"
    ]
    arguments = ("--usage-from", SOURCE, "--over", "36h", "--workloads")
    _, _, spare, (title, head, db, web) = sections(kubeconfig, *arguments)
    assert "95th percentile" in title
    assert "36h" in title
    assert SOURCE in title
    assert "by use in 36h" in spare[0]
    at = cells(head).index("UTIL OVER")
    assert cells(db)[at:] == ["now", "CPU over-requested"]
    assert cells(web)[at:] == ["36h", "CPU under-requested"]


def test_the_document_says_of_which_time_it_is(api: Api, kubeconfig: Path) -> None:
    with_history(api)
    words = ("--kubeconfig", kubeconfig, "-o", "json")
    found = json.loads(fleet(*words, "--usage-from", SOURCE, "--over", "1d"))
    assert found["usageOver"] == {
        "source": SOURCE, "seconds": 86400, "cpuQuantile": 0.95, "memoryQuantile": 1
    }  # fmt: skip
    (cluster,) = found["clusters"]
    assert cluster["historyUnknown"] == ""
    assert [each["overTime"] for each in cluster["workloads"]] == [False, True]
    assert json.loads(fleet(*words))["usageOver"] is None


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_prometheus_that_fails_is_named_and_this_moment_counts(
    api: Api, kubeconfig: Path, status: int
) -> None:
    api.answers[QUERY] = (status, {"message": "\x1b[2J not you"})
    *_, workloads, conditions = sections(kubeconfig, "--usage-from", SOURCE, "--workloads")
    assert [cells(row)[-2] for row in workloads[2:]] == ["now", "now"]
    assert "HistoryUnknown" in conditions[-1]
    assert f"in the last 7d is not known, and what is used now counts: {SOURCE}" in conditions[-1]
    assert "\x1b" not in conditions[-1]


def test_a_prometheus_that_hangs_does_not_hide_the_rest(api: Api, kubeconfig: Path) -> None:
    released = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        released.wait(60)
        return 200, {}

    api.answers[QUERY] = hang
    with_disks(api)
    arguments = ("--usage-from", SOURCE, "--disks", "--timeout", 3)
    try:
        (_, row), *_, conditions = sections(kubeconfig, *arguments)
    finally:
        released.set()
    assert cells(row)[1] == "1200m (60%)"
    assert "122880Mi (60%)" in row
    assert "HistoryUnknown" in conditions[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--over", "7d"), "--over needs --usage-from"),
        (("--usage-from", "https://thanos.example"), "is not NAMESPACE/SERVICE:PORT"),
        (("--usage-from", SOURCE, "--over", "5m"), "at least 1h"),
        (("--usage-from", SOURCE, "--over", "week"), "not a duration"),
    ],
)
def test_wrong_sources_and_times_are_refused(
    kubeconfig: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in " ".join(fleet("--kubeconfig", kubeconfig, *arguments, status=2).split())
