"""`fleet consistency` and `fleet diff` on two real clusters: nothing at first, then each change."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from model.consistency import comparison
from model.consistency.declared import declared
from model.consistency.hosts import AS_APPLIED, NOT_AS_APPLIED
from model.consistency.report import Consistency, Difference, Row, State
from model.load import load
from model.render import drift
from ops.kube.cluster_facts import gather
from scripts.fleet import targets
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

CONTEXTS = ("cluster1-admin", "cluster2-admin")
PLANE, WORKER = "cluster2-control-plane-0", "cluster1-worker-0"
MANIFEST = "/etc/kubernetes/manifests/kube-scheduler.yaml"
KUBELET = "/var/lib/kubelet/config.yaml"
SECONDS = 20.0
# A machine reports what differs now, and not up to a period later (test_host_drift.py).
# systemd starts a unit only a few times in a row.
REPORT = f"systemctl reset-failed {drift.UNIT}; systemctl start {drift.UNIT}"


def compared(fleet: PulumiStack, kubectl: Kubectl, *, every: bool = False) -> Consistency:
    """What `fleet consistency` says of the stack, whose file is not in the checkout."""
    found = targets.of_kubeconfig(kubectl.kubeconfig, is_ours=True)
    facts = [
        replace(each, name=target.cluster)
        for each, target in zip(gather(found, SECONDS), found, strict=True)
    ]
    of_config = {each.name: declared(each) for each in load(fleet.config).clusters}
    return comparison.consistency(facts, of_config, datetime.now(UTC), every=every)


def prints(kubectl: Kubectl, *arguments: str) -> tuple[int, str]:
    """Run the command for a kubeconfig; return its exit status and what it printed."""
    program = str(CHECKOUT / ".venv" / "bin" / "fleet")
    kubeconfig = ("--kubeconfig", str(kubectl.kubeconfig))
    done = subprocess.run([program, *arguments, *kubeconfig], capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def awaited(fleet: PulumiStack, kubectl: Kubectl, *wanted: tuple[str, str]) -> list[Row]:
    """Wait until this is all that differs, and everything was read."""
    found: dict[tuple[str, str], Row] = {}

    def is_there() -> bool:
        nonlocal found
        report = compared(fleet, kubectl)
        print(report.model_dump_json(indent=1))
        found = {(row.area, row.item): row for row in report.rows}
        return found.keys() == set(wanted) and not report.not_read

    await_true(is_there, f"the differences {wanted}", 90)
    return [found[each] for each in wanted]


@contextmanager
def edited(machines: Machines, machine: str, file: str, shell: str) -> Iterator[None]:
    """A file of a machine, edited for the block; the copy is where no component looks."""
    machines.run(machine, f"cp -p {file} /run/edited-original; {shell}; {REPORT}")
    try:
        yield
    finally:
        restore = f"cp -p /run/edited-original {file}; rm /run/edited-original"
        machines.run(machine, f"{restore}; {REPORT}")


def test_untouched_clusters_have_no_difference(fleet: PulumiStack, kubectl: Kubectl) -> None:
    # A machine reports for the first time some seconds after its join.
    await_true(lambda: not compared(fleet, kubectl).not_read, "all machines to report", 120)
    report = compared(fleet, kubectl)
    print(report.model_dump_json(indent=1))
    assert (report.rows, report.not_read) == ([], [])
    assert {each.name: each.nodes for each in report.clusters} == {"cluster1": 2, "cluster2": 2}
    assert all(each.is_declared for each in report.clusters)
    areas = {row.area for row in compared(fleet, kubectl, every=True).rows}
    assert {"etcd", "kubelet", "kube-proxy", "CoreDNS", "network", "add-ons", "RBAC"} <= areas
    assert {"files", "programs", "units", "sysctls"} <= areas


def test_the_commands_find_nothing(kubectl: Kubectl) -> None:
    status, shown = prints(kubectl, "consistency")
    assert (status, shown.endswith("of 2 clusters compared: no differences.\n")) == (0, True), shown
    status, shown = prints(kubectl, "diff", *CONTEXTS)
    assert (status, shown) == (0, "cluster1-admin and cluster2-admin do not differ.\n")


def test_a_flag_in_the_manifest_of_one_machine(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    flag = ("kube-scheduler", "--profiling")
    with edited(machines, PLANE, MANIFEST, f"sed -i s/profiling=false/profiling=true/ {MANIFEST}"):
        row, file = awaited(fleet, kubectl, flag, ("files", MANIFEST))
        assert [each.value for each in file.cells] == [AS_APPLIED, NOT_AS_APPLIED]
        one, other = row.cells
        assert (one.value, one.state) == ("false", State.SAME)
        assert (other.value, other.declared, other.state) == ("true", "false", State.NOT_DECLARED)
        status, shown = prints(kubectl, "diff", *CONTEXTS, "-o", "json")
        fields = Difference.model_validate(json.loads(shown)).fields
        assert status == 1
        assert [(each.area, each.item, each.a, each.b) for each in fields] == [
            (*flag, "false", "true"),
            ("files", MANIFEST, AS_APPLIED, NOT_AS_APPLIED),
        ]
    awaited(fleet, kubectl)


def test_what_one_machine_alone_has(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    # Container machines have the network's settings of their own, and share the others.
    unit, sysctl = "/etc/systemd/system/kubelet.service", "net.core.somaxconn"
    before = machines.run(WORKER, f"sysctl --values {sysctl}").strip()
    shell = f"echo '# edited' >>{unit}; sysctl --quiet --write {sysctl}=7"
    try:
        with edited(machines, WORKER, unit, shell):
            file, setting = awaited(fleet, kubectl, ("files", unit), ("sysctls", sysctl))
            (other,) = (each for each in file.cells[0].nodes if each.state is not State.SAME)
            assert (other.nodes, other.state) == ([WORKER], State.NOT_DECLARED)
            (other,) = (each for each in setting.cells[0].nodes if each.value == "7")
            assert other.nodes == [WORKER]
    finally:
        machines.run(WORKER, f"sysctl --quiet --write {sysctl}={before}; {REPORT}")
    awaited(fleet, kubectl)


def test_a_setting_of_one_kubelet(fleet: PulumiStack, kubectl: Kubectl, machines: Machines) -> None:
    shell = f"echo 'maxPods: 70' >>{KUBELET}; systemctl restart kubelet"
    with edited(machines, WORKER, KUBELET, shell):
        row, file = awaited(fleet, kubectl, ("kubelet", "maxPods"), ("files", KUBELET))
        assert {(each.value, *each.nodes) for each in file.cells[0].nodes} >= {
            (NOT_AS_APPLIED, WORKER)
        }
        one, other = row.cells
        assert {(node, each.value) for each in one.nodes for node in each.nodes} == {
            ("cluster1-control-plane-0", "110"),
            (WORKER, "70"),
        }
        assert (other.value, other.nodes) == ("110", [])
        status, shown = prints(kubectl, "consistency")
        print(shown)
        assert status == 1
        assert f"70 ~ ({WORKER})" in shown
    machines.run(WORKER, "systemctl restart kubelet")
    awaited(fleet, kubectl)


def test_a_cluster_role(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """Of ours it is not as declared, of Kubernetes' own the clusters differ."""
    second = kubectl.within("cluster2-admin")
    rules = {name: json.loads(second("get", "clusterrole", name, "-o", "json"))["rules"]
             for name in ("flannel", "system:coredns")}  # fmt: skip
    more = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    for name, its in rules.items():
        patch = json.dumps({"rules": [*its, more]})
        second("patch", "clusterrole", name, "--type=merge", f"--patch={patch}")
    try:
        own, other = awaited(fleet, kubectl, *(("RBAC", f"ClusterRole {name}") for name in rules))
        assert [each.state for each in own.cells] == [State.SAME, State.NOT_DECLARED]
        assert [each.state for each in other.cells] == [State.SPLIT, State.SPLIT]
        status, shown = prints(kubectl, "diff", *CONTEXTS)
        print(shown)
        assert status == 1
        assert "secrets" in shown
    finally:
        for name, its in rules.items():
            patch = json.dumps({"rules": its})
            second("patch", "clusterrole", name, "--type=merge", f"--patch={patch}")
    awaited(fleet, kubectl)
