"""Commands about many clusters, of which some hang and some refuse."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.scripts.fleet.fleet_of_apis import ODD, ODD_NODE
from tests.scripts.fleet.many_clusters import NODES, PLANES, PODS, document, serving, timed

KIB_OF_300_MB = 300 * 1000 * 1000 // 1024


@pytest.fixture
def base() -> Iterator[str]:
    with serving(NODES, PODS) as address:
        yield address


@pytest.fixture
def configured() -> Iterator[str]:
    """Clusters with control planes, whose configuration is read."""
    with serving(NODES, 0, PLANES) as address:
        yield address


@pytest.fixture
def whole() -> Iterator[str]:
    """Clusters of which everything is read."""
    with serving(NODES, PODS, PLANES, 2) as address:
        yield address


# On two cores that others use as well, all that answer must have the time to do so.
SIZES = [
    (8, 2, 6),
    pytest.param(100, 5, 20, marks=[pytest.mark.slow, pytest.mark.timeout(180)]),
]
# A request for each of 4,500 kubelets takes both cores for the time-out: nothing else may run.
KUBELETS = [SIZES[0], pytest.param(100, 5, 20, marks=[pytest.mark.long, pytest.mark.timeout(180)])]


def _ended(
    command: str, base: str, folder: Path, size: int, failing: int, seconds: int, *more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command for all of these clusters, in time and in little memory.

    On a host that others use, a command takes longer in all of its parts: what it may take beyond
    its time-out follows from the time that it takes for one cluster that refuses.
    """
    kubeconfig = folder / "config"
    kubeconfig.write_text(yaml.safe_dump(document(base, size, failing)))
    words = (command, "--kubeconfig", str(kubeconfig), "--timeout", str(seconds), *more)
    least, _ = timed(folder, *words, "--cluster", "refuse-0")
    took, ended = timed(folder, *words)
    peak = int(ended.stderr.split()[-1])
    if peak >= KIB_OF_300_MB:
        # While others use the processors, more answers wait to be parsed: once more, then.
        took, ended = timed(folder, *words)
        peak = int(ended.stderr.split()[-1])
    print(
        f"{command} of {size} clusters: {took:.1f} s, {peak / 1024:.0f} MiB; of one {least:.1f} s"
    )
    assert took < seconds + max(2, 4 * least)
    assert peak < KIB_OF_300_MB
    return ended


@pytest.mark.parametrize(("size", "failing", "seconds"), SIZES)
def test_status_ends_in_time_and_in_little_memory(
    base: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    ended = _ended("status", base, tmp_path, size, failing, seconds, "--no-headers")
    rows = [line.split() for line in ended.stdout.split("\n\n")[0].splitlines()]
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        by_kind.setdefault(row[0].partition("-")[0], set()).add(" ".join(row[1:4]))
    assert len(rows) == size
    assert by_kind["hang"] == by_kind["refuse"] == {"Unknown - -"}
    assert by_kind["good"] == {f"True v1.36.3 {NODES}/{NODES}"}
    assert ended.stdout.count(f"API unreachable: no answer within {seconds} s") == failing
    assert ended.stdout.count("API unreachable: Connection refused") == failing
    assert ended.returncode == 1


@pytest.mark.parametrize(("size", "failing", "seconds"), KUBELETS)
def test_consistency_ends_in_time_and_in_little_memory(
    configured: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    ended = _ended("consistency", configured, tmp_path, size, failing, seconds, "-o", "json")
    found = json.loads(ended.stdout)
    good = [each for each in found["clusters"] if each["name"].startswith("good")]
    assert {(each["reachable"], each["nodes"]) for each in good} == {(True, NODES)}
    # On a busy host not all kubelets answer in time: what is missing is said, and nothing else is.
    silent = [each for each in found["notRead"] if each["area"] == "kubelet"]
    reasons = [each["reason"] for each in found["notRead"] if each not in silent]
    assert reasons.count(f"API unreachable: no answer within {seconds} s") == failing
    assert reasons.count("API unreachable: Connection refused") == failing
    assert len(reasons) == 2 * failing
    print(f"kubelets that were not read: {sum(len(each['nodes']) for each in silent)}")
    rows = {(row["area"], row["item"]): row for row in found["rows"]}
    role = rows.pop(("RBAC", "ClusterRole role-0"))
    assert role["agree"] == len(good) - 1
    assert [each["cluster"] for each in role["cells"] if each["state"] == "odd"] == [ODD]
    if ODD not in {each["cluster"] for each in silent}:
        pods = rows.pop(("kubelet", "maxPods"))
        (cell,) = (each for each in pods["cells"] if each["nodes"])
        (odd,) = (each for each in cell["nodes"] if each["state"] == "odd")
        assert (cell["cluster"], odd["nodes"], odd["value"]) == (ODD, [ODD_NODE], "70")
    assert {area for area, _ in rows} <= {"kubelet"}
    assert ended.returncode == 1


@pytest.mark.parametrize(("size", "failing", "seconds"), SIZES)
def test_capacity_ends_in_time_and_in_little_memory(
    base: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    ended = _ended("capacity", base, tmp_path, size, failing, seconds, "--no-headers")
    shown = ended.stdout
    everything, *rows = [line.split() for line in shown.split("\n\n")[0].splitlines()]
    good = size - 2 * failing
    assert len(rows) == good
    cpu = [f"{PODS * 250}m", "(62%)"]
    assert {tuple(row[1:3]) for row in rows} == {tuple(cpu)}
    assert everything[1] == f"{good * PODS * 250}m"
    assert shown.count(" Node node-0 ") == good
    assert shown.count(f"API unreachable: no answer within {seconds} s") == failing
    assert shown.count("API unreachable: Connection refused") == failing
    assert ended.returncode == 1


@pytest.mark.parametrize(("size", "failing", "seconds"), KUBELETS)
def test_use_of_a_longer_time_is_read_in_time_and_in_little_memory(
    base: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    more = ("--usage-from", "monitoring/prometheus:9090", "--no-headers")
    ended = _ended("capacity", base, tmp_path, size, failing, seconds, *more)
    rows = ended.stdout.split("\n\n")[0].splitlines()
    assert len(rows) == 1 + size - 2 * failing
    silent = ended.stdout.count("HistoryUnknown")
    print(f"clusters whose Prometheus was not read: {silent}")
    workloads = (len(rows) - 1) * 50
    judged = workloads - silent * 50
    assert f"Of {workloads} workloads, {judged} of them by use in 7d" in ended.stdout
    assert ended.returncode == 1


@pytest.mark.parametrize(("size", "failing", "seconds"), KUBELETS)
def test_disks_are_read_in_time_and_in_little_memory(
    base: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    ended = _ended("capacity", base, tmp_path, size, failing, seconds, "--disks", "--no-headers")
    rows = [line.split() for line in ended.stdout.split("\n\n")[0].splitlines()]
    silent = map(int, re.findall(r"disks is not known of (\d+) node", ended.stdout))
    print(f"kubelets that were not read: {sum(silent)}")
    assert len(rows) == 1 + size - 2 * failing
    assert rows[0][-2] == "40%", "the fullest of all"
    assert {row[-2] for row in rows} <= {"40%", "-"}
    assert ended.returncode == 1


@pytest.mark.parametrize(("size", "failing", "seconds"), KUBELETS)
def test_a_report_ends_in_time_in_little_memory_and_is_small(
    whole: str, tmp_path: Path, size: int, failing: int, seconds: int
) -> None:
    page = tmp_path / "report.html"
    ended = _ended("report", whole, tmp_path, size, failing, seconds, "-O", str(page))
    content = page.read_text()
    (kept,) = (tmp_path / "state/reports").iterdir()
    found = json.loads(kept.read_text())
    print(f"{len(content.encode())} bytes of page, {kept.stat().st_size} of document")
    assert ended.returncode == 0
    assert len(content.encode()) < 3_000_000
    good = {each["name"] for each in found["status"]["clusters"] if each["reachable"]}
    assert good == {f"good-{index}" for index in range(size - 2 * failing)}
    silent = [each["cluster"] for each in found["grades"] if each["grade"] == "F"]
    assert len(silent) == 2 * failing
    assert {each["cluster"] for each in found["capacity"]["clusters"]} == good
    assert found["differences"]["clusters"] == len(good)
    items = {(each["area"], each["item"]): each for each in found["differences"]["items"]}
    (value,) = items["RBAC", "ClusterRole role-0"]["values"]
    assert (value["state"], value["clusters"]) == ("odd", [ODD])
    assert content.count("Its API did not answer</span>") == 2 * failing
