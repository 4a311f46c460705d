"""Upgrade and removal of machines whose pods no other machine can take.

Three small clusters: one machine alone, a control plane beside a worker with a taint, and a worker
that is the only one without. Run with `-s` to see the figures.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from ops.kube.node import CORDONED
from scripts.bench.subnet import subnet
from tests.e2e import web_service
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import WriteProbe

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

FIRST, NEXT = "v1.36.3", "v1.37.2"
ALONE, TAINTED, LAST = "alone", "tainted", "last"
WORKERS: dict[str, dict[str, Any]] = {
    ALONE: {"count": 0},
    TAINTED: {"count": 1, "taints": ["dedicated=batch:NoSchedule"]},
    LAST: {"count": 1},
}
STAY = "drained, except for pods that no other machine can take, which stay and keep running; "
RESTARTED = (
    "its control-plane pods and kubelet restarted (the API is unavailable for about 20 s), "
    "uncordoned when Ready"
)
HOW = {
    "alone-control-plane-0": "not drained, as there is no other machine: its pods stay and keep "
    f"running; {RESTARTED}",
    "tainted-control-plane-0": f"{STAY}{RESTARTED}",
    "tainted-worker-0": f"{STAY}kubelet restarted, uncordoned when Ready",
    "last-control-plane-0": f"drained, {RESTARTED}",
    "last-worker-0": f"{STAY}kubelet restarted, uncordoned when Ready",
}
PROBES = "daemonset/kubeadm-fleet-probe"
CALM_SECONDS, HEALTHY_SECONDS, UNAVAILABLE_SECONDS = 5, 120, 60


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(89) as first, subnet(89) as second, subnet(89) as third:
        config = {
            "kubernetesVersion": FIRST.removeprefix("v"),
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                name: {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": WORKERS[name],
                }
                for name, network in zip(WORKERS, (first, second, third), strict=True)
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The way to all of them; two greeters with a budget run on the last worker."""
    kubectl = access(fleet)
    web_service.start(kubectl.within(f"{LAST}-admin"))
    return kubectl


def containers(cluster: Kubectl) -> list[tuple[str, int]]:
    """The greeters, and how often each was restarted."""
    pods = cluster.items("get", "pods", "--selector", f"app={web_service.NAME}")
    return sorted(
        (pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in pods
    )


def test_upgrade_needs_one_run_and_no_force(fleet: PulumiStack, kubectl: Kubectl) -> None:
    running = containers(kubectl.within(f"{LAST}-admin"))
    fleet.config["kubernetesVersion"] = NEXT.removeprefix("v")
    preview = fleet.succeed("preview")
    for machine, how in HOW.items():
        assert f"{machine}: upgraded from {FIRST} to {NEXT}: {how}" in preview.output

    with WriteProbe(fleet.output("kubeconfig")) as writer:
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        began = time.monotonic()
        finished = fleet.up()
        print(f"\nupgraded in {time.monotonic() - began:.1f} s")
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        seen = writer.figures(began, time.monotonic())
    print(f"API of the first: {seen}")
    print("\n".join(line for line in finished.output.splitlines() if "left where" in line))
    assert seen.lost == 0
    assert seen.longest_gap < UNAVAILABLE_SECONDS
    left = "left where they are, since no other Node can take them: "
    assert f"alone-control-plane-0: {left}kube-system/coredns-" in finished.output
    assert f"tainted-control-plane-0: {left}kube-system/coredns-" in finished.output
    assert f"last-worker-0: {left}default/greeters-" in finished.output
    assert containers(kubectl.within(f"{LAST}-admin")) == running


@pytest.mark.parametrize("name", WORKERS)
def test_every_node_takes_pods_again_and_dns_answers(kubectl: Kubectl, name: str) -> None:
    cluster = kubectl.within(f"{name}-admin")
    for node in cluster.items("get", "nodes"):
        assert node["status"]["nodeInfo"]["kubeletVersion"] == NEXT
        assert not node["spec"].get("unschedulable")
        assert CORDONED not in node["metadata"]["annotations"]
    system = ("--namespace", "kube-system")
    cluster(*system, "rollout", "status", "deployment/coredns", "--timeout=60s")
    service = "kubernetes.default.svc.cluster.local"
    said = cluster(*system, "exec", PROBES, "--", "busybox", "nslookup", service)
    assert "10.96.0.1" in said


def test_last_worker_without_a_taint_can_be_removed(fleet: PulumiStack, kubectl: Kubectl) -> None:
    fleet.config["clusters"][LAST]["workers"] = {"count": 0}
    preview = fleet.succeed("preview")
    how = "removed: drained, pods that no other machine can take deleted, its Node deleted"
    assert f"last-worker-0: {how}" in preview.output
    finished = fleet.up()
    why = "deleted, since no other Node can take them: default/greeters-"
    assert f"last-worker-0: {why}" in finished.output
    assert kubectl.within(f"{LAST}-admin").node_names() == ["last-control-plane-0"]


def test_the_next_preview_has_no_changes(fleet: PulumiStack) -> None:
    assert (run := fleet.up()).changes == {}, run.output
