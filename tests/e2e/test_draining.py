"""A worker leaves, with pods of every kind that a drain has to treat in its own way.

Some come back to it as often as they are evicted, one is kept by a finalizer after it has stopped,
and one is never recreated. Another worker dies and is said to be out of service. Run with `-s` to
see the figures; the tests run in order.
"""

import json
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from ops.kube.liveness import OUT_OF_SERVICE
from scripts.bench.subnet import subnet
from tests.e2e import failures
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.web_service import IMAGE
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]

CLUSTER = "cluster1"
LEAVING, DYING = f"{CLUSTER}-worker-2", f"{CLUSTER}-worker-1"
DRAIN_SECONDS = 60
FINALIZER = "example.org/kept"


def config(network: IPv4Network, workers: int) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "upgrades": {"drainTimeout": DRAIN_SECONDS},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "controlPlanes": {"count": 1},
                "workers": {"count": workers},
            }
        },
    }


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(86) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    with living(config(network, 3)) as stack:
        yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The cluster, with the pods on the worker that leaves."""
    kubectl = access(fleet)
    everywhere = {"tolerations": [{"operator": "Exists"}]}
    scratch = {"volumes": [{"name": "scratch", "emptyDir": {}}]}
    for manifest in (
        controller("Deployment", "agents", 2, **everywhere),
        controller("StatefulSet", "named", 1, **everywhere),
        controller("Deployment", "scratch", 1, **scratch),
        pod("bare"),
        pod("kept", finalizers=[FINALIZER]),
    ):
        kubectl("apply", "--filename", "-", stdin=json.dumps(manifest))
    await_true(lambda: len(running(kubectl)) == 6, f"the pods on {LEAVING}", seconds=120)
    kubectl("delete", "pod", "kept", "--wait=false")
    return kubectl


def spec(**more: Any) -> dict[str, Any]:
    """A pod that prefers the worker that leaves."""
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [LEAVING]}
    preferred = [{"weight": 100, "preference": {"matchExpressions": [hostname]}}]
    return {
        "terminationGracePeriodSeconds": 1,
        "affinity": {
            "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
        },
        "containers": [
            {"name": "main", "image": IMAGE, "command": ["busybox", "sleep", "infinity"]}
        ],
        **more,
    }


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec()}


def controller(kind: str, name: str, replicas: int, **more: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": spec(**more)}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }


def running(kubectl: Kubectl) -> list[str]:
    """The names of the pods that run on the worker that leaves."""
    pods = kubectl.items("get", "pods", "--field-selector", f"spec.nodeName={LEAVING}")
    return [each["metadata"]["name"] for each in pods if each["status"]["phase"] == "Running"]


def test_the_preview_names_what_the_drain_deletes(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    fleet.config = config(network, 2)
    (scratch,) = [name for name in running(kubectl) if name.startswith("scratch-")]
    assert (
        f"{LEAVING}: removed: drained, its Node deleted; pods without a controller deleted "
        f"permanently (1): default/bare; emptyDir data deleted with its pods (1): default/{scratch}"
    ) in fleet.preview().output


def test_the_drain_ends_although_pods_come_back_and_one_is_kept(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    await_true(lambda: len(running(kubectl)) == 5, "the end of the pod that is kept")
    began = time.monotonic()
    fleet.up()
    took = time.monotonic() - began
    print(f"\n{LEAVING} left in {took:.1f} s")
    assert took < DRAIN_SECONDS
    assert LEAVING not in kubectl.node_names()
    for name in ("deployment/agents", "statefulset/named", "deployment/scratch"):
        kubectl("rollout", "status", name, "--timeout=120s")
    patch = json.dumps({"metadata": {"finalizers": None}})
    kubectl("patch", "pod", "kept", "--type=merge", "--patch", patch)
    assert "bare" not in kubectl("get", "pods")


def test_a_dead_worker_that_is_out_of_service_is_not_waited_for(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    failures.lose(fleet.machines, CLUSTER, DYING)
    kubectl("taint", "nodes", DYING, f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
    fleet.refresh()
    fleet.config = config(network, 1)
    began = time.monotonic()
    fleet.up()
    print(f"\n{DYING} left in {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began < DRAIN_SECONDS
    assert kubectl.node_names() == [f"{CLUSTER}-control-plane-0", f"{CLUSTER}-worker-0"]
