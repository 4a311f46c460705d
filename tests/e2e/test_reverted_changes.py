"""A change that stops the only API server, and a worker that dies in its turn."""

import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from ops.kube.liveness import OUT_OF_SERVICE
from ops.nspawn import disk, process
from ops.nspawn.spec import MachineSpec
from ops.rollout.record import NAME
from scripts.bench.subnet import subnet
from tests.e2e import failures
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

CLUSTER = "cluster1"
PLANE, WORKER, OTHER = (f"{CLUSTER}-{name}" for name in ("control-plane-0", "worker-0", "worker-1"))
NEXT = "v1.37.2"
CHANGE = "var/lib/kubeadm-fleet/pending-change"
BROKEN = {"extraArgs": {"event-ttl": "soon"}}
TURN_SECONDS = 300
# Its connection is given up, and the others have ended.
NOTICED_SECONDS = 150


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                CLUSTER: {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 2},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def cluster(fleet: PulumiStack) -> dict[str, Any]:
    found: dict[str, Any] = fleet.config["clusters"][CLUSTER]
    return found


def spec_of(fleet: PulumiStack, machine: str) -> MachineSpec:
    spec = MachineSpec.read(fleet.machines / CLUSTER / machine)
    assert spec
    return spec


def records(kubectl: Kubectl) -> str:
    return kubectl(
        "--namespace", "kube-system", "get", "configmap", NAME, "--ignore-not-found", "-o", "name"
    )


def reverted(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """Take the broken argument out of the config; one run brings everything back."""
    del cluster(fleet)["apiServer"]
    fleet.up()
    assert records(kubectl) == ""
    assert (run := fleet.up()).changes == {}, run.output
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s")


def test_a_change_that_stops_the_only_api_server_is_rolled_back_and_reverted(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    cluster(fleet)["apiServer"] = BROKEN
    failed = fleet.run("up", "--yes", "--skip-preview")
    assert failed.status != 0
    assert "kube-apiserver is crash-looping" in failed.output
    assert "the change failed and was rolled back" in failed.output
    assert kubectl.node_names() == [PLANE, WORKER, OTHER]
    assert records(kubectl)
    del cluster(fleet)["apiServer"]
    assert "a change of control plane settings was begun at" in fleet.succeed("preview").output
    cluster(fleet)["apiServer"] = BROKEN
    reverted(fleet, kubectl)


def test_such_a_change_that_lost_power_is_reverted_by_one_run(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    """Nobody must wait until the broken change has failed once more."""
    cluster(fleet)["apiServer"] = BROKEN
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(fleet.machines)):
        root = disk.root(spec := spec_of(fleet, PLANE))
        manifest = root / "etc/kubernetes/manifests/kube-apiserver.yaml"
        engine = fleet.start("up", "--yes", "--skip-preview", log=fleet.folder / "killed.log")
        try:
            await_true(
                lambda: manifest.exists() and "event-ttl" in manifest.read_text(),
                "the broken manifest", TURN_SECONDS,
            )  # fmt: skip
            process.stop(spec, root)
        finally:
            fleet.kill(engine)
            fleet.run("cancel", "--yes")
    reverted(fleet, kubectl)


def test_a_worker_that_dies_in_its_turn_of_an_upgrade_is_replaced(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    fleet.config["kubernetesVersion"] = NEXT.removeprefix("v")
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(fleet.machines)):
        change = disk.root(spec_of(fleet, WORKER)) / CHANGE
    log = fleet.folder / "died.log"
    engine = fleet.start("up", "--yes", "--skip-preview", log=log)
    try:
        await_true(change.exists, "the change of the worker", TURN_SECONDS)
        failures.lose(fleet.machines, CLUSTER, WORKER)
        assert engine.wait(NOTICED_SECONDS) != 0
    finally:
        fleet.kill(engine)
    assert WORKER in log.read_text()
    fleet.refresh()
    kubectl("taint", "nodes", WORKER, f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
    fleet.up()
    found = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in kubectl.items("get", "nodes")
    }
    assert found == dict.fromkeys((PLANE, WORKER, OTHER), NEXT)
    assert not any(node["spec"].get("unschedulable") for node in kubectl.items("get", "nodes"))
    assert records(kubectl) == ""
    assert (run := fleet.up()).changes == {}, run.output
