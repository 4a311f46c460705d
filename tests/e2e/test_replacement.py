"""Control planes and workers are added, removed and lost with their disks; the tests run in order.

One cluster behind a virtual address grows from one control plane to three, loses two of them one
after the other, the first one included, and shrinks again. Run with `-s` to see the figures.
"""

import base64
import json
import os
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ops.errors import OperatorError
from ops.kube import client, etcd
from ops.kube.liveness import OUT_OF_SERVICE, TOLERATION_SECONDS
from ops.nspawn import disk, process
from ops.nspawn.spec import MachineSpec
from ops.wait import NotYet, wait_until
from scripts.bench.subnet import subnet
from tests.e2e import failures, snapshots
from tests.e2e.kubectl import Kubectl
from tests.e2e.pod_network import assert_pods_talk
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import WriteProbe
from tests.ops.nspawn import host
from tests.tmp_machines import workshop
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]

CLUSTER = "cluster1"
CONTROL_PLANES = [f"{CLUSTER}-control-plane-{index}" for index in range(3)]
WORKERS = [f"{CLUSTER}-worker-{index}" for index in range(2)]
VIP = 100
# The goal is 60 on a machine that does nothing else.
REPLACED_SECONDS = 240
CALM_SECONDS = 5
DRAIN_SECONDS = 20
IMAGE = "ghcr.io/flannel-io/flannel:v0.28.10"
HEALTHY_SECONDS = 60
LONGEST_GAP_SECONDS = 15
# Where a snapshot is while it is sent and while it is restored.
SENDING = "var/lib/kubeadm-fleet/snapshot.db.new"
RESTORING = "var/lib/etcd/restoring/member/snap/db"
# How many objects of what size make a snapshot large.
LARGE, LARGE_BYTES = 100, 900_000


def config(network: IPv4Network, control_planes: int, workers: int) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "upgrades": {"drainTimeout": DRAIN_SECONDS},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[VIP]}:8443"},
                "controlPlanes": {"count": control_planes},
                "workers": {"count": workers},
            }
        },
    }


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(88) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    """The stack, up with one control plane; whatever a test leaves of it is destroyed."""
    with workshop() as folder:
        stack = PulumiStack(folder, "test", config(network, 1, 1))
        stack.create()
        try:
            stack.up()
            yield stack
        finally:
            stack.run("cancel", "--yes")
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


@pytest.fixture(scope="module")
def kubeconfig(fleet: PulumiStack) -> str:
    return str(fleet.output("kubeconfig"))


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack, kubeconfig: str) -> Kubectl:
    path = fleet.folder / "kubeconfig"
    path.write_text(kubeconfig)
    path.chmod(0o600)
    return Kubectl(path)


def members(kubeconfig: str) -> dict[str, str]:
    """The ids of etcd's members, by the names of their Nodes, once all are healthy and vote."""

    def healthy() -> dict[str, str]:
        found = etcd.members(client.of(kubeconfig))
        if unhealthy := [str(member) for member in found if member.learner or not member.healthy]:
            raise NotYet("; ".join(unhealthy))
        return {member.name: member.id for member in found}

    return wait_until(healthy, HEALTHY_SECONDS, AssertionError, passing=(OperatorError,))


def test_one_control_plane_becomes_three(
    fleet: PulumiStack, kubectl: Kubectl, kubeconfig: str, network: IPv4Network
) -> None:
    before = members(kubeconfig)
    assert list(before) == CONTROL_PLANES[:1]
    fleet.config = config(network, 3, 1)
    finished = fleet.up()
    assert finished.steps("replace", "delete") == []
    after = members(kubeconfig)
    assert sorted(after) == CONTROL_PLANES
    assert after[CONTROL_PLANES[0]] == before[CONTROL_PLANES[0]]
    assert kubectl.node_names() == [*CONTROL_PLANES, WORKERS[0]]


@pytest.mark.parametrize("index", [1, 0])
def test_a_control_plane_lost_with_its_disk_is_replaced(
    fleet: PulumiStack, kubectl: Kubectl, kubeconfig: str, index: int
) -> None:
    victim = CONTROL_PLANES[index]
    before = members(kubeconfig)
    with WriteProbe(kubeconfig) as writer:
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        began = time.monotonic()
        failures.lose(fleet.machines, CLUSTER, victim)
        fleet.refresh()
        refreshed = time.monotonic()
        finished = fleet.up()
        replaced = time.monotonic()
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        figures = writer.figures(began, time.monotonic())
    print(f"\n{victim} replaced {replaced - began:.1f} s after its death")
    print(f"refresh: {refreshed - began:.1f} s, up: {replaced - refreshed:.1f} s; {figures}")
    after = members(kubeconfig)
    assert sorted(after) == CONTROL_PLANES
    assert after[victim] != before[victim]
    others = [name for name in CONTROL_PLANES if name != victim]
    assert [after[name] for name in others] == [before[name] for name in others]
    assert kubectl.node_names() == [*CONTROL_PLANES, WORKERS[0]]
    touched = {*finished.steps("create", "replace", "delete", "create-replacement")}
    assert not [name for name in touched if name.startswith(tuple(others))]
    assert figures.lost == 0
    assert figures.longest_gap <= LONGEST_GAP_SECONDS
    assert replaced - began <= REPLACED_SECONDS
    assert (run := fleet.up()).changes == {}, run.output


def test_three_control_planes_become_one(
    fleet: PulumiStack, kubectl: Kubectl, kubeconfig: str, network: IPv4Network
) -> None:
    before = members(kubeconfig)
    kubectl("create", "configmap", "kept", "--from-literal", "by=etcd")
    fleet.config = config(network, 1, 2)
    with WriteProbe(kubeconfig) as writer:
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        began = time.monotonic()
        fleet.up()
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        figures = writer.figures(began, time.monotonic())
    print(f"\nthree control planes to one, one worker to two: {figures}")
    assert members(kubeconfig) == {CONTROL_PLANES[0]: before[CONTROL_PLANES[0]]}
    assert kubectl.node_names() == [CONTROL_PLANES[0], *WORKERS]
    assert "etcd" in kubectl("get", "configmap", "kept", "--output", "yaml")
    assert figures.lost == 0
    assert figures.longest_gap <= LONGEST_GAP_SECONDS
    assert (run := fleet.up()).changes == {}, run.output


def test_a_worker_lost_with_its_disk_is_replaced(fleet: PulumiStack, kubectl: Kubectl) -> None:
    failures.lose(fleet.machines, CLUSTER, WORKERS[1])
    fleet.refresh()
    # Else it would be waited for until Kubernetes gives its pods up, for five minutes.
    kubectl("taint", "nodes", WORKERS[1], f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
    began = time.monotonic()
    fleet.up()
    assert time.monotonic() - began < TOLERATION_SECONDS / 2
    assert kubectl.node_names() == [CONTROL_PLANES[0], *WORKERS]


def test_a_worker_leaves_only_when_budgets_allow_the_evictions(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    kubectl("cordon", WORKERS[0])
    kubectl("apply", "--filename", "-", stdin=json.dumps(_deployment("movable", {})))
    kubectl(
        "create", "poddisruptionbudget", "budget", "--selector=app=movable", "--min-available=1"
    )
    kubectl("rollout", "status", "deployment/movable", "--timeout=60s")
    kubectl("uncordon", WORKERS[0])
    fleet.config = config(network, 1, 1)
    finished = fleet.run("up", "--yes", "--skip-preview")
    assert finished.status != 0
    assert f"draining Node {WORKERS[1]}" in finished.output
    assert "default/movable-" in finished.output
    assert "PodDisruptionBudget default/budget allows 0 disruptions" in finished.output
    assert WORKERS[1] in kubectl.node_names()
    fleet.config["upgrades"]["force"] = True
    fleet.up()
    assert kubectl.node_names() == [CONTROL_PLANES[0], WORKERS[0]]
    kubectl("rollout", "status", "deployment/movable", "--timeout=60s")
    kubectl("delete", "poddisruptionbudget", "budget")


def _deployment(name: str, node_selector: dict[str, str]) -> dict[str, Any]:
    """A deployment of one pod."""
    container = {"name": "main", "image": IMAGE, "command": ["busybox", "sleep", "infinity"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": node_selector,
                    "terminationGracePeriodSeconds": 1,
                    "containers": [container],
                },
            },
        },
    }


def test_a_single_control_plane_is_restored_from_a_snapshot(
    fleet: PulumiStack, kubectl: Kubectl, kubeconfig: str, network: IPv4Network
) -> None:
    fleet.config = config(network, 1, 1)
    kubectl("create", "configmap", "saved", "--from-literal", "by=snapshot")
    snapshot = fleet.folder / "snapshot.db"
    _save(fleet, kubectl, snapshot)
    kubectl("create", "configmap", "late", "--from-literal", "by=test")
    failures.lose(fleet.machines, CLUSTER, CONTROL_PLANES[0])
    fleet.refresh()
    fleet.config["clusters"][CLUSTER]["controlPlanes"]["restore"] = str(snapshot)
    fleet.preview()
    began = time.monotonic()
    fleet.up()
    print(f"\nrestored from {snapshot.stat().st_size} bytes in {time.monotonic() - began:.1f} s")
    assert list(members(kubeconfig)) == CONTROL_PLANES[:1]
    names = kubectl("get", "configmaps", "--output", "name")
    assert "configmap/saved" in names
    assert "configmap/late" not in names
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s")
    assert kubectl.node_names() == [CONTROL_PLANES[0], WORKERS[0]]
    after = _deployment("after", {"kubernetes.io/hostname": WORKERS[0]})
    kubectl("apply", "--filename", "-", stdin=json.dumps(after))
    kubectl("rollout", "status", "deployment/after", "--timeout=60s")
    assert_pods_talk(kubectl)
    machine = _machine(fleet)
    assert not list((machine / "var/lib/kubeadm-fleet").glob("snapshot*"))
    assert not (machine / "var/lib/etcd/restoring").exists()
    assert (run := fleet.up()).changes == {}, run.output


@pytest.mark.parametrize("moment", [SENDING, RESTORING])
def test_restoring_a_single_control_plane_is_resumed_after_a_power_failure(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network, moment: str
) -> None:
    # The former snapshot is taken out of the config, which changes nothing in the cluster.
    fleet.config = config(network, 1, 1)
    fleet.up()
    assert "saved" in kubectl("get", "configmaps", "--no-headers")
    snapshot = fleet.folder / f"{Path(moment).stem}.db"
    _fill(kubectl)
    _save(fleet, kubectl, snapshot)
    failures.lose(fleet.machines, CLUSTER, CONTROL_PLANES[0])
    fleet.refresh()
    fleet.config["clusters"][CLUSTER]["controlPlanes"]["restore"] = str(snapshot)
    engine = fleet.start("up", "--yes", "--skip-preview", log=fleet.folder / "killed.log")
    file = fleet.machines / CLUSTER / CONTROL_PLANES[0] / "root" / moment
    try:
        await_true(lambda: file.exists() and file.stat().st_size > 0, moment, HEALTHY_SECONDS)
        _power_off(fleet)
    finally:
        fleet.kill(engine)
        fleet.run("cancel", "--yes")
    left = f"{moment}: {file.stat().st_size >> 20} MiB" if file.exists() else "nothing"
    began = time.monotonic()
    fleet.up()
    size = snapshot.stat().st_size >> 20
    print(f"\nafter the power failure ({left}): {size} MiB in {time.monotonic() - began:.1f} s")
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s")
    assert _filled(kubectl)
    assert kubectl.node_names() == [CONTROL_PLANES[0], WORKERS[0]]
    assert not list((_machine(fleet) / "var/lib/kubeadm-fleet").glob("snapshot*"))
    assert (run := fleet.up()).changes == {}, run.output


def _filled(kubectl: Kubectl) -> bool:
    # A table holds no data: all of them at once are more than a small API server can carry.
    return kubectl("get", "configmaps", "--no-headers").count("large-") == LARGE


def _fill(kubectl: Kubectl) -> None:
    """Have so much in the cluster that sending and restoring it takes a while."""
    for index in () if _filled(kubectl) else range(LARGE):
        content = base64.b64encode(os.urandom(LARGE_BYTES)).decode()
        kubectl("create", "--filename", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": f"large-{index}"}, "binaryData": {"content": content},
        }))  # fmt: skip


def _power_off(fleet: PulumiStack) -> None:
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(fleet.machines)):
        spec = MachineSpec.read(fleet.machines / CLUSTER / CONTROL_PLANES[0])
        assert spec
        process.stop(spec, disk.root(spec))


def _save(fleet: PulumiStack, kubectl: Kubectl, snapshot: Path) -> None:
    snapshots.save(fleet, kubectl, CLUSTER, CONTROL_PLANES[0], snapshot)


def _machine(fleet: PulumiStack) -> Path:
    """The only control plane's file system."""
    return snapshots.root_of(fleet, CLUSTER, CONTROL_PLANES[0])


def test_a_single_control_plane_is_not_replaced_without_a_new_acknowledgement(
    fleet: PulumiStack, network: IPv4Network
) -> None:
    failures.lose(fleet.machines, CLUSTER, CONTROL_PLANES[0])
    used = fleet.run("preview", "--diff")
    assert used.status != 0
    assert "was given for an earlier loss" in used.output
    fleet.config = config(network, 1, 1)
    for _ in range(2):
        preview = fleet.run("preview", "--diff")
        assert preview.status != 0
        assert f"{CONTROL_PLANES[0]} is the only control plane of {CLUSTER}" in preview.output
        assert "restore" in preview.output
        assert "acceptDataLoss" in preview.output
        fleet.refresh()


def test_a_single_control_plane_is_replaced_if_data_loss_is_accepted(
    fleet: PulumiStack, kubectl: Kubectl, kubeconfig: str, network: IPv4Network
) -> None:
    fleet.config = config(network, 1, 0)
    fleet.config["clusters"][CLUSTER]["controlPlanes"]["acceptDataLoss"] = "an exercise"
    fleet.up()
    assert list(members(kubeconfig)) == CONTROL_PLANES[:1]
    assert kubectl.node_names() == CONTROL_PLANES[:1]
    assert "kept" not in kubectl("get", "configmaps", "--output", "name")
    assert (run := fleet.up()).changes == {}, run.output


def test_workers_of_a_lost_cluster_rejoin_and_are_reached(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    fleet.config = config(network, 1, 1)
    fleet.up()
    failures.lose(fleet.machines, CLUSTER, CONTROL_PLANES[0])
    fleet.refresh()
    fleet.config["clusters"][CLUSTER]["controlPlanes"]["acceptDataLoss"] = "another exercise"
    fleet.up()
    assert kubectl.node_names() == [CONTROL_PLANES[0], WORKERS[0]]
    assert_pods_talk(kubectl)
    assert (run := fleet.up()).changes == {}, run.output
