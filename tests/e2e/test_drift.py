"""What somebody does to machines behind the program's back: a refresh sees it, an up repairs it."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from components.resources.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(1200)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
ROLLOUT = "cluster1-rollout"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
CONFIG = "/var/lib/kubelet/config.yaml"


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1, "labels": {"disk": "ssd"}},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


@pytest.fixture
def machines(fleet: PulumiStack) -> Machines:
    return Machines(fleet, "cluster1")


def repaired(fleet: PulumiStack, *reasons: str) -> None:
    """Refresh, see every reason in the preview, repair, and see that nothing is left to do."""
    fleet.refresh()
    shown = fleet.succeed("preview")
    for reason in reasons:
        assert reason in shown.output
    assert ROLLOUT in shown.steps("update")
    done = fleet.up()
    assert ROLLOUT in done.steps("update")
    assert "replace" not in done.changes
    fleet.refresh()
    assert fleet.up().changes == {}


def test_nothing_is_found_where_nobody_did_anything(fleet: PulumiStack) -> None:
    fleet.refresh()
    assert fleet.up().changes == {}


def test_deleted_manifest_and_edited_settings_and_stopped_kubelet(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    machines.run(PLANE, f"rm {MANIFEST}")
    machines.run(WORKER, f"systemctl stop kubelet; echo 'maxPods: 7' >>{CONFIG}")
    repaired(
        fleet,
        f"{PLANE}: repaired because {MANIFEST} is gone",
        f"{WORKER}: repaired because {CONFIG} was changed and kubelet is inactive",
    )
    assert kubectl.node_names() == [PLANE, WORKER]
    assert "maxPods" not in machines.run(WORKER, f"cat {CONFIG}")


def test_removed_node_and_changed_labels_and_taints(fleet: PulumiStack, kubectl: Kubectl) -> None:
    kubectl("label", "node", WORKER, "disk-", "theirs=stays")
    kubectl("taint", "node", PLANE, "node-role.kubernetes.io/control-plane-")
    repaired(
        fleet,
        f"{WORKER}: repaired because label disk=ssd is missing",
        f"{PLANE}: repaired because taint node-role.kubernetes.io/control-plane:NoSchedule is",
    )
    node = json.loads(kubectl("get", "node", WORKER, "--output", "json"))
    assert node["metadata"]["labels"]["disk"] == "ssd"
    assert node["metadata"]["labels"]["theirs"] == "stays"

    kubectl("delete", "node", WORKER)
    repaired(fleet, f"{WORKER}: repaired because its Node is gone")
    node = json.loads(kubectl("get", "node", WORKER, "--output", "json"))
    assert node["metadata"]["labels"]["disk"] == "ssd"


def test_exchanged_program(fleet: PulumiStack, kubectl: Kubectl, machines: Machines) -> None:
    fake = "#!/bin/sh\\necho Kubernetes v1.35.4\\n"
    machines.run(
        WORKER,
        f"printf '{fake}' >/tmp/kubelet; install -m 755 /tmp/kubelet /usr/local/bin/kubelet.new; "
        "mv /usr/local/bin/kubelet.new /usr/local/bin/kubelet",
    )
    repaired(fleet, f"{WORKER}: repaired because the kubelet is v1.35.4 instead of v1.36.3")
    assert "v1.36.3" in machines.run(WORKER, "kubelet --version")
    assert kubectl.node_names() == [PLANE, WORKER]


def test_leftovers_of_other_versions(fleet: PulumiStack, machines: Machines) -> None:
    staged = "/var/lib/kubeadm-fleet/staged"
    machines.run(WORKER, f"mkdir -p {staged}/v1.35.4")
    repaired(fleet, f"{WORKER}: repaired because v1.35.4 is staged there and not wanted")
    assert machines.run(WORKER, f"ls {staged}") == ""


def test_unreachable_machine_is_never_taken_for_gone(fleet: PulumiStack) -> None:
    spec = MachineSpec.read(fleet.machines / "cluster1" / WORKER)
    assert spec
    subprocess.run(["ip", "link", "set", spec.link, "down"], check=True)
    try:
        fleet.refresh()
        found = Machines(fleet, "cluster1").props["found"][WORKER]
        shown = fleet.succeed("preview")
    finally:
        subprocess.run(["ip", "link", "set", spec.link, "up"], check=True)
    assert found["reachable"] is False
    assert "cannot be reached" in found["reason"]
    assert not {"delete", "replace"}.intersection(shown.changes)
