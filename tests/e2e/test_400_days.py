"""A cluster that nobody touches outlives its certificates: 400 days, with minutes for months.

Its leaves are valid for 20 minutes instead of a year. The machines alone keep it alive for three of
these lifetimes and more; then everything works, nothing was restarted, and `up` has nothing to do.
Run with `-s` to see the figures.
"""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.certificate_watch import CertificateWatch
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.web_service import IMAGE
from tests.e2e.write_probe import WriteProbe

LEAF_MINUTES = 20
GENERATIONS = 3
# As 400 days are to a year, after the last of the generations.
LIVED_SECONDS = 60 * (GENERATIONS * LEAF_MINUTES + LEAF_MINUTES // 10)

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(LIVED_SECONDS + 1200),
]

CONTROL_PLANES = [f"cluster1-control-plane-{index}" for index in range(3)]
MACHINES = [*CONTROL_PLANES, "cluster1-worker-0"]
LONGEST_GAP_SECONDS = 10
# A leaf is renewed after two thirds of its validity; a kubelet decides that for itself.
MOST_RENEWALS = LIVED_SECONDS // (60 * LEAF_MINUTES * 2 // 3) + 2
# Of some five hundred: a busy host may answer late.
FAILED_LOOKS = 5
# Renewed leaves are read again within five minutes; none may come closer to its end.
MARGIN = timedelta(minutes=1)
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: late}}
spec:
  automountServiceAccountToken: false
  containers:
  - {{name: late, image: "{IMAGE}", command: [busybox, sh, -c, "echo alive; sleep 3600"]}}
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(87) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "certificates": {"leaves": f"{LEAF_MINUTES}m"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "endpoint": {"vip": f"{network[100]}:8443"},
                    "controlPlanes": {"count": 3},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def containers(kubectl: Kubectl) -> dict[str, str]:
    """The running container of each pod of the system."""
    pods = kubectl.items("--namespace", "kube-system", "get", "pods")
    return {
        f"{pod['metadata']['name']}/{status['name']}": status.get("containerID", "none")
        for pod in pods
        for status in pod["status"].get("containerStatuses", ())
    }


def kubelets(machines: Machines) -> list[str]:
    shown = "systemctl show --property MainPID --value kubelet containerd"
    return [machines.run(name, shown) for name in MACHINES]


def renewed(watch: CertificateWatch) -> dict[str, int]:
    """How often each certificate was renewed."""
    return {name: len(serials) - 1 for name, serials in watch.serials.items()}


def test_a_cluster_that_nobody_touches_outlives_its_certificates(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    machines = Machines(fleet)
    before = containers(kubectl), kubelets(machines)
    began = time.monotonic()
    with (
        CertificateWatch(machines, MACHINES) as watch,
        WriteProbe(fleet.output("kubeconfig")) as writer,
    ):
        time.sleep(LIVED_SECONDS)
        figures = writer.figures(began, time.monotonic())
    print(f"\n{figures}\n{json.dumps(renewed(watch), indent=1)}")
    print("\n".join(f"{name}: {left} at least" for name, left in watch.shortest.items()))

    assert len(watch.errors) <= FAILED_LOOKS, watch.errors
    assert min(watch.shortest.values()) > MARGIN
    # Eight files and three ports of each control plane, and every kubelet's file.
    assert len(renewed(watch)) == 3 * (8 + 3) + len(MACHINES)
    as_often = range(GENERATIONS, MOST_RENEWALS + 1)
    assert {name: n for name, n in renewed(watch).items() if n not in as_often} == {}
    assert (figures.lost, figures.longest_gap <= LONGEST_GAP_SECONDS) == (0, True), figures.errors
    assert (containers(kubectl), kubelets(machines)) == before, "nothing was restarted"


def test_everything_still_works(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """A new pod needs every component; its log needs the way back to its kubelet."""
    assert kubectl.node_names() == MACHINES
    kubectl("apply", "--filename", "-", stdin=POD)
    kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=100s")
    assert from_kubelet(kubectl, "logs", "late") == "alive\n"
    assert from_kubelet(kubectl, "exec", "late", "--", "busybox", "echo", "here") == "here\n"


def from_kubelet(kubectl: Kubectl, *arguments: str) -> str:
    """What a command prints for which an API server asks a kubelet.

    An API server closes all of its connections to kubelets when it notices that its certificate was
    renewed, and so the very one on whose opening it notices that: its next answer may be an error.
    https://github.com/kubernetes/kubernetes/pull/112404 has the same for other certificates
    """
    for _ in CONTROL_PLANES:
        try:
            return kubectl(*arguments)
        except AssertionError as error:
            assert "use of closed network connection" in str(error)
    return kubectl(*arguments)


def test_up_has_nothing_to_do(fleet: PulumiStack) -> None:
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output


@pytest.mark.parametrize("machine", CONTROL_PLANES)
def test_each_control_plane_has_a_snapshot_and_its_record(fleet: PulumiStack, machine: str) -> None:
    machines = Machines(fleet)
    state = "/var/lib/kubeadm-fleet"
    assert len(machines.run(machine, f"ls {state}/snapshots").splitlines()) == 1
    record = machines.run(machine, f"cat {state}/renewals")
    assert "failed" not in record
    assert {"apiserver", "etcd-peer", "snapshot", "run"} <= {
        line.split("\t")[0] for line in record.splitlines()
    }
