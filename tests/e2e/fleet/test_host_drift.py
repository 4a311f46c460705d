"""What somebody changes on a machine is named, and repaired as it says."""

import time
from collections.abc import Iterator

import pytest

from ops.kube import client as kube
from ops.kube import host_reports, host_status
from ops.kube.client import Client
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
# 30 on a host with room for its machines; a busy one shows nothing of that.
SLOWEST_SECONDS = 90
SCHEDULER = "/etc/kubernetes/manifests/kube-scheduler.yaml"
CONTAINERD = "/etc/systemd/system/containerd.service"
PORTMAP = "/opt/cni/bin/portmap"
SYSCTL = "net.bridge.bridge-nf-call-ip6tables"
TIMER = "kubeadm-fleet-renewal.timer"
FOLDER = "/run/kubeadm-fleet-drift"
REPORT = "kubeadm-fleet-drift"
PROBES = "app.kubernetes.io/name=kubeadm-fleet-probe"
# The last report is as old as if this had been the last one for minutes, for a probe that starts.
TIME = '"time": '
AGE = f"sed --in-place 's/{TIME}[0-9]*/{TIME}'$(($(date +%s) - 300))/ {FOLDER}/report.json"
# A program that keeps its size and its time.
REPLACE = (
    f"cp --archive {PORTMAP} /tmp/portmap; printf x | dd of=/tmp/portmap conv=notrunc bs=1 seek=64"
    f" 2>/dev/null; touch -r {PORTMAP} /tmp/portmap; mv /tmp/portmap {PORTMAP}"
)
# Machine, what is done to it, and what is said of it.
SEEDS = (
    (PLANE, f"sed -i 's/^    - kube-scheduler$/&\\n    - --v=3/' {SCHEDULER}", SCHEDULER),
    (PLANE, f"systemctl stop {TIMER}", TIMER),
    (WORKER, f"echo '# edited' >>{CONTAINERD}", CONTAINERD),
    (WORKER, REPLACE, PORTMAP),
    (WORKER, f"sysctl --quiet --write {SYSCTL}=0", SYSCTL),
)


@pytest.fixture(scope="module")
def client(fleet: PulumiStack) -> Client:
    return kube.of(fleet.output("kubeconfig"))


@pytest.fixture(autouse=True)
def reporting(client: Client) -> Iterator[None]:
    """Every machine has reported, and nothing is wrong."""
    await_true(lambda: read(client).reporting == [PLANE, WORKER], "the machines to report", 120)
    yield


class Said:
    """What the machines of a cluster report."""

    def __init__(self, client: Client) -> None:
        self.hosts = host_status.read(client, "cluster1", 10)
        self.lines = [f"{each.name}: {each.message}" for each in self.hosts.conditions]
        self.reporting = [each.node for each in host_reports.read(client, 10) if each.report]


def read(client: Client) -> Said:
    return Said(client)


def test_nothing_is_said_of_untouched_machines(client: Client, machines: Machines) -> None:
    said = read(client)
    assert said.lines == []
    assert said.hosts.certificate and said.hosts.certificate.subject.startswith("cluster1-")
    for machine in (PLANE, WORKER):
        assert machines.run(machine, f"ls --almost-all {FOLDER}").split() == ["report.json"]
        took = machines.run(
            machine,
            "TIMEFORMAT='%R %U %S'; { time bash /var/lib/kubeadm-fleet/drift.sh; } 2>&1; "
            f"stat --format %s {FOLDER}/report.json",
        )
        print(f"{machine}: {took}")


def test_what_is_changed_on_machines_is_named_and_repaired(
    fleet: PulumiStack, client: Client, machines: Machines
) -> None:
    began, named = time.monotonic(), dict[str, float]()
    for machine, shell, _ in SEEDS:
        machines.run(machine, shell)

    def are_named() -> bool:
        lines = read(client).lines
        for machine, _, subject in SEEDS:
            if any(line.startswith(f"{machine}: {subject} ") for line in lines):
                named.setdefault(subject, time.monotonic() - began)
        return len(named) == len(SEEDS)

    await_true(are_named, "all changes to be named", SLOWEST_SECONDS)
    for subject, seconds in named.items():
        print(f"{subject}: named after {seconds:.1f} s")
    lines = read(client).lines
    print("\n".join(lines))
    assert len(lines) == len(SEEDS)
    fleet.refresh()
    shown = fleet.succeed("preview").output
    for machine, _, subject in SEEDS:
        assert f"{machine}: repaired because " in shown
        assert f"{subject} " in shown
    fleet.up()
    await_true(lambda: read(client).lines == [], "nothing to differ any more", 60)
    assert machines.run(WORKER, f"sysctl --values {SYSCTL}").strip() == "1"
    assert (run := fleet.refreshed_up()).changes == {}, run.output


def test_a_machine_that_stops_to_report_is_named(
    fleet: PulumiStack, client: Client, machines: Machines, cluster: Kubectl
) -> None:
    machines.run(WORKER, f"systemctl stop {REPORT}.timer; {AGE}")
    its = ("--selector", PROBES, "--field-selector", f"spec.nodeName={WORKER}")
    cluster("--namespace", "kube-system", "delete", "pods", *its)
    await_true(
        lambda: any(
            each.reason == "HostNotReporting" and each.name == WORKER
            for each in read(client).hosts.conditions
        ),
        "the silence to be noticed",
    )
    fleet.refreshed_up()
    await_true(lambda: read(client).lines == [], "the machine to report again", 60)
