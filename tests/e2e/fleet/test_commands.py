"""The commands that show a fleet, as an operator types them, on two real clusters.

The last test has no answer from one of them.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from tests.e2e.asking import command_of
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.scripts.fleet.report.browser import browser
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

CLUSTERS = ["cluster1", "cluster2"]
PLANE = "cluster2-control-plane-0"


def shown(fleet: PulumiStack, command: str, *words: str, status: int = 0, stdin: str = "") -> str:
    """What a command prints; it ends with this status."""
    done = command_of(fleet, command, *words, stdin=stdin)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def document(fleet: PulumiStack, command: str, *words: str, status: int = 0) -> Any:
    """What it prints as JSON."""
    return json.loads(shown(fleet, command, *words, "--output", "json", status=status))


@pytest.fixture(scope="module", autouse=True)
def old_enough(fleet: PulumiStack, machines: Machines) -> None:
    """Nothing starts any more: etcd was saved, machines have reported, metrics-server has measured.

    The timer saves etcd for the first time 3 to 8 minutes after a control plane has joined.
    """
    for name in CLUSTERS:
        machines.run(f"{name}-control-plane-0", "systemctl start kubeadm-fleet-renewal.service")
    await_true(
        lambda: all(
            each["conditions"] == [] and each["lastBackup"]
            for each in document(fleet, "status")["clusters"]
        ),
        "nothing to be said of the clusters, and snapshots to be seen",
        180,
    )


def test_status_knows_everything_of_each_cluster(fleet: PulumiStack) -> None:
    found = document(fleet, "status")
    assert found["conditions"] == []
    assert [each["name"] for each in found["clusters"]] == CLUSTERS
    for each in found["clusters"]:
        assert (each["ready"], each["network"], each["version"]) == ("True", "True", "v1.36.3")
        assert each["nodesReady"] == {"ready": 2, "total": 2}
        assert each["controlPlanes"] == {"ready": 1, "total": 1}
        assert (each["etcd"]["members"], each["etcd"]["alarms"]) == (1, [])
        assert each["etcd"]["leader"] and each["etcd"]["sizeBytes"] > 0
        names = {add_on["name"] for add_on in each["addOns"]}
        assert names >= {"CoreDNS", "kube-proxy", "flannel", "Calico", "probe", "metrics-server"}
        assert each["certificate"]["expires"] and each["lastBackup"] and each["lastChange"]
        assert each["exceptions"] == each["rotations"] == []
        worker = next(node for node in each["nodes"] if node["pool"] == "worker")
        assert worker["labels"]["kubeadm-fleet/pool"] == "worker"
    head, *rows = shown(fleet, "status").splitlines()
    assert head.split()[:3] == ["CLUSTER", "READY", "VERSION"]
    assert [row.split()[:3] for row in rows[:2]] == [[name, "True", "v1.36.3"] for name in CLUSTERS]
    selected = document(fleet, "status", "--selector", "region=osaka")
    assert [each["name"] for each in selected["clusters"]] == ["cluster2"]
    assert f"{PLANE} " in shown(fleet, "status", "--output", "wide", "--nodes")


def test_describe_is_a_tree_of_a_cluster_and_of_a_machine(fleet: PulumiStack) -> None:
    tree = shown(fleet, "describe", "cluster2")
    assert PLANE in tree and "cluster1" not in tree
    machine = shown(fleet, "describe", PLANE)
    assert "v1.36.3" in machine and "containerd" in machine
    assert "cluster2-worker-0" not in machine


def test_capacity_has_what_is_used_and_how_full_disks_are(fleet: PulumiStack) -> None:
    found = document(fleet, "capacity", "--by", "node", "--workloads")
    assert [each["name"] for each in found["clusters"]] == CLUSTERS
    for each in (node for cluster in found["clusters"] for node in cluster["nodes"]):
        for disk in each["figures"]["disks"].values():
            assert 0 < disk["usedBytes"] < disk["capacityBytes"], each["name"]
    table = shown(fleet, "capacity", "--by", "node", "--workloads")
    for name in (PLANE, "cluster1-worker-0", "metrics-server"):
        assert name in table


def test_a_command_runs_for_each_cluster_and_a_failure_hides_no_other(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    nodes = shown(fleet, "kubectl", "--", "get", "nodes", "--output", "name")
    for cluster in CLUSTERS:
        line = next(each for each in nodes.splitlines() if f"node/{cluster}-worker-0" in each)
        assert line.startswith(cluster)
    selected = ("--selector", "region=tokyo", "--", "get", "nodes", "--output", "name")
    assert "cluster2" not in shown(fleet, "kubectl", *selected)
    only = kubectl.within("cluster1-admin")
    only("create", "configmap", "here", "--from-literal=text=found")
    try:
        get = ("--", "get", "configmap", "here", "--output", "jsonpath={.data.text}")
        assert "found" in shown(fleet, "kubectl", *get, status=1)
        runs = json.loads(shown(fleet, "kubectl", "--output", "json", *get, status=1))
        assert "not found" in json.dumps(runs) and '"found"' in json.dumps(runs)
    finally:
        only("delete", "configmap", "here")
    named = shown(fleet, "exec", "--", "sh", "-c", 'echo "I am $FLEET_CLUSTER"')
    assert all(f"I am {cluster}" in named for cluster in CLUSTERS)


def test_a_shell_knows_one_cluster(fleet: PulumiStack) -> None:
    fleet.environment["SHELL"] = "/bin/sh"
    try:
        said = shown(
            fleet,
            *("ctx", "--shell", "cluster2"),
            stdin="kubectl config get-contexts --output name; kubectl get nodes --output name\n",
        )
    finally:
        del fleet.environment["SHELL"]
    assert "cluster2-admin" in said and f"node/{PLANE}" in said
    assert "cluster1" not in said


def test_every_setting_says_where_it_comes_from(fleet: PulumiStack) -> None:
    lines = shown(fleet, "explain", "cluster1", "machines.memory").splitlines()
    assert any("2Gi" in line and "Pulumi.test.yaml" in line for line in lines), lines


def test_the_report_of_real_clusters_reads_everything(fleet: PulumiStack, tmp_path: Path) -> None:
    found = document(fleet, "report")
    assert [each["cluster"] for each in found["grades"]] == CLUSTERS
    assert all(each["unread"] == [] for each in found["grades"]), found["grades"]
    assert {each["state"] for each in found["sources"]} == {"read"}, found["sources"]
    assert {each["cluster"] for each in found["cis"]["clusters"]} == set(CLUSTERS)
    assert [each["failed"] for each in found["cis"]["clusters"]] == [0, 0]
    assert found["differences"]["items"] == []
    assert found["certificates"]["dates"] and found["audit"]["totals"]
    file = tmp_path / "report.html"
    shown(fleet, "report", "--output-file", str(file))
    with browser() as page:
        page.open(file, 1280)
        assert page.requests == [file.as_uri()]
        assert page.messages == []
        text = page.run("document.body.innerText")
    assert all(cluster in text for cluster in CLUSTERS)


@contextmanager
def unplugged(spec: MachineSpec) -> Iterator[None]:
    subprocess.run(["ip", "link", "set", spec.link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", spec.link, "up"], check=True)


def test_a_cluster_without_an_answer_is_a_row_with_what_it_last_said(fleet: PulumiStack) -> None:
    spec = MachineSpec.read(fleet.machines / "cluster2" / PLANE)
    assert spec
    with unplugged(spec):
        found = document(fleet, "status", "--timeout", "3", status=1)["clusters"]
        capacity = shown(fleet, "capacity", "--timeout", "3", status=1)
    assert [each["name"] for each in found] == CLUSTERS
    alive, dead = found
    assert (alive["reachable"], alive["conditions"]) == (True, [])
    assert (dead["reachable"], dead["ready"], dead["version"]) == (False, "Unknown", "v1.36.3")
    assert dead["nodesReady"] == {"ready": 2, "total": 2}
    assert [each["reason"] for each in dead["conditions"]] == ["APIUnreachable"]
    assert "what is shown was read at" in dead["conditions"][0]["message"]
    assert all(cluster in capacity for cluster in CLUSTERS)
    await_true(lambda: command_of(fleet, "status").returncode == 0, "both clusters to answer again")
