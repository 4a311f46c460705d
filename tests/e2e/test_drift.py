"""Manual changes to machines: a refresh detects them, an up repairs them."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from model.render.node_paths import AUTHENTICATION_FILE
from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pod_network import assert_pods_talk
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import WriteProbe
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(1200)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
ROLLOUT = "cluster1-rollout"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
SERVING = "/var/lib/kubelet/pki/serving.pem"
CONFIG = "/var/lib/kubelet/config.yaml"
HAPROXY, KEEPALIVED = "kubeadm-fleet-haproxy", "kubeadm-fleet-keepalived"
ENDPOINT = "/etc/kubeadm-fleet"
LONGEST_GAP_SECONDS = 5


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "endpoint": {"vip": f"{network[100]}:8443"},
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
    return Machines(fleet)


def recorded(fleet: PulumiStack, machine: str) -> Any:
    """What the rollout's state says of a machine."""
    resources = json.loads(fleet.succeed("stack", "export").output)["deployment"]["resources"]
    rollout = next(each for each in resources if each["urn"].endswith("::cluster1-rollout"))
    return rollout["outputs"]["found"][machine]


def repaired(fleet: PulumiStack, *reasons: str) -> None:
    """See every reason in a preview with a refresh, repair, and see that nothing is left to do."""
    shown = fleet.succeed("preview", "--refresh")
    for reason in reasons:
        assert reason in shown.output
    assert ROLLOUT in shown.steps("update")
    done = fleet.refreshed_up()
    assert ROLLOUT in done.steps("update")
    assert "replace" not in done.changes
    assert (run := fleet.refreshed_up()).changes == {}, run.output


def test_no_drift_is_found_on_unchanged_machines(fleet: PulumiStack) -> None:
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output


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


def test_kubelets_without_their_serving_certificates(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    """Without its kubelet a control plane does not bring its API server back."""
    machines.run(PLANE, f"rm {SERVING}; systemctl restart kubelet; pkill -KILL ^kube-apiserver")
    machines.run(WORKER, f"rm {SERVING}")
    why = "its kubelet's serving certificate is missing"
    repaired(
        fleet,
        f"{PLANE}: repaired because {why}: issued again, nothing restarted",
        f"{WORKER}: repaired because {why}: issued again, nothing restarted",
    )
    for machine in (PLANE, WORKER):
        selected = ("--selector=k8s-app=kube-proxy", f"--field-selector=spec.nodeName={machine}")
        (pod,) = kubectl.items("get", "pods", "--namespace=kube-system", *selected)
        assert kubectl("logs", "--namespace=kube-system", pod["metadata"]["name"], "--tail=1")


def test_edited_files_of_the_virtual_address_and_leftovers_of_other_versions(
    fleet: PulumiStack, machines: Machines
) -> None:
    """What is edited is not in use yet: clients must not notice how it is put right."""
    staged = "/var/lib/kubeadm-fleet/staged"
    machines.run(WORKER, f"mkdir -p {staged}/v1.35.4")
    edited = f"{ENDPOINT}/haproxy.cfg", f"{ENDPOINT}/keepalived.conf"
    unit = f"/etc/systemd/system/{KEEPALIVED}.service"
    sums = f"sha256sum {' '.join(edited)} {unit}"
    before = machines.run(PLANE, sums)
    machines.run(PLANE, f"sed -i 's/:6443/:7443/' {edited[0]}; sed -i 's/100/1/' {edited[1]}")
    began = time.monotonic()
    with WriteProbe(fleet.output("kubeconfig")) as writer:
        repaired(
            fleet,
            f"{PLANE}: repaired because {' was changed and '.join(edited)} was changed",
            f"{WORKER}: repaired because v1.35.4 is staged but not needed",
        )
    figures = writer.figures(began, time.monotonic())
    assert figures.lost == 0
    assert figures.longest_gap <= LONGEST_GAP_SECONDS, figures.errors
    assert machines.run(PLANE, sums) == before
    assert machines.run(WORKER, f"ls {staged}") == ""


def test_stopped_services_of_the_virtual_address(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    """No other machine holds the address here: without its services the API is unavailable."""
    stop = f"systemctl stop {KEEPALIVED}; systemctl disable --now {HAPROXY}"
    machines.run(PLANE, f"{stop}; rm {ENDPOINT}/haproxy.cfg")
    reasons = (
        f"{ENDPOINT}/haproxy.cfg is gone",
        *(f"{service} is inactive" for service in (HAPROXY, KEEPALIVED)),
    )
    repaired(fleet, f"{PLANE}: repaired because {' and '.join(reasons)}")
    started = f"systemctl is-active {HAPROXY} {KEEPALIVED}; systemctl is-enabled {HAPROXY}"
    assert machines.run(PLANE, started).split() == ["active", "active", "enabled"]
    # Their kubelets could not say that they live.
    await_true(lambda: kubectl.node_names() == [PLANE, WORKER], "both Nodes to be Ready")


def test_changed_labels_and_taints_edited_issuers_of_tokens_and_a_replaced_program(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    before = issuers_in_use(kubectl)
    taint = "node-role.kubernetes.io/control-plane"
    kubectl("label", "node", WORKER, "disk-", "theirs=stays")
    kubectl("taint", "node", PLANE, f"{taint}-")
    fake = "#!/bin/sh\\necho Kubernetes v1.35.4\\n"
    machines.run(
        WORKER,
        f"printf '{fake}' >/tmp/kubelet; install -m 755 /tmp/kubelet /usr/local/bin/kubelet.new; "
        "mv /usr/local/bin/kubelet.new /usr/local/bin/kubelet",
    )
    machines.run(PLANE, f"echo '# edited' >>{AUTHENTICATION_FILE}")
    await_true(lambda: issuers_in_use(kubectl) != before, "the edited file to be in use")
    repaired(
        fleet,
        "the kubelet is v1.35.4 instead of v1.36.3",
        "label disk=ssd is missing",
        f"{AUTHENTICATION_FILE} was changed",
        f"taint {taint}:NoSchedule is",
    )
    assert "v1.36.3" in machines.run(WORKER, "kubelet --version")
    assert kubectl.node_names() == [PLANE, WORKER]
    node = json.loads(kubectl("get", "node", PLANE, "--output", "json"))
    assert {"key": taint, "effect": "NoSchedule"} in node["spec"]["taints"]
    node = json.loads(kubectl("get", "node", WORKER, "--output", "json"))
    assert node["metadata"]["labels"]["disk"] == "ssd"
    assert node["metadata"]["labels"]["theirs"] == "stays"
    assert issuers_in_use(kubectl) == before


def issuers_in_use(kubectl: Kubectl) -> str:
    """The API server's metric with the checksum of its issuers of tokens."""
    name = "apiserver_authentication_config_controller_last_config_info{"
    lines = kubectl("get", "--raw", "/metrics").splitlines()
    return next(line for line in lines if line.startswith(name))


def test_pods_of_a_deleted_node_are_reached(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """The Node gets another share of the pod subnet, which nothing on its machine knows of."""
    former = share(kubectl)
    kubectl("delete", "node", WORKER)
    with another_node(kubectl):
        repaired(fleet, f"{WORKER}: repaired because its Node is gone")
    assert share(kubectl) != former
    node = json.loads(kubectl("get", "node", WORKER, "--output", "json"))
    assert node["metadata"]["labels"]["disk"] == "ssd"
    assert missing(fleet) == []
    assert_pods_talk(kubectl)


def test_pods_of_a_reregistered_node_are_reached(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    former = share(kubectl)
    flannel = "sed -n s/^FLANNEL_SUBNET=//p /run/flannel/subnet.env"
    pods = machines.run(WORKER, flannel).strip()
    kubectl("delete", "node", WORKER)
    with another_node(kubectl):
        machines.run(WORKER, "systemctl restart kubelet")
        await_true(lambda: WORKER in kubectl("get", "nodes"), f"Node {WORKER}")
        await_true(lambda: bool(share(kubectl)), f"the share of {WORKER}")
    assert share(kubectl) != former
    reason = f"former registration: its pods have {pods}, the Node's share is {share(kubectl)}"
    if machines.run(WORKER, flannel).strip() != pods:
        # The kubelet needed 40 s on a busy host: the cluster has replaced flannel's pod by then.
        reason = f"{WORKER}: repaired because label disk=ssd is missing"
    repaired(fleet, reason)
    assert_pods_talk(kubectl)


def test_unreachable_pods_are_named(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    """One way only: what the other Node begins is answered, so that every probe stays Ready."""
    rule = f"FORWARD --source {share(kubectl, PLANE)} --destination {share(kubectl)}"
    drop = f"{rule} --match conntrack --ctstate NEW --jump DROP"
    machines.run(PLANE, f"iptables --insert {drop}")
    try:
        probe = ("--namespace", "kube-system", "logs", "--tail=1", probe_on(kubectl, PLANE))
        await_true(lambda: bool(json.loads(kubectl(*probe))["unreached"]), "the break to be seen")
        since = next(iter(json.loads(kubectl(*probe))["unreached"].values()))
        fleet.refresh()
        (line,) = missing(fleet)
    finally:
        machines.run(PLANE, f"iptables --delete {drop}")
    assert line.startswith(f"pods on {PLANE} cannot reach pods on {WORKER} (10.244.")
    assert f") since {since}: " in line
    fleet.up()
    assert missing(fleet) == []


@contextmanager
def another_node(kubectl: Kubectl) -> Iterator[None]:
    """A Node that takes the share which has just become free, so that the next gets another."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "another"}}
    kubectl("apply", "--filename", "-", stdin=json.dumps(node))
    try:
        await_true(lambda: bool(share(kubectl, "another")), "a share of the pod subnet")
        yield
    finally:
        kubectl("delete", "node", "another")


def share(kubectl: Kubectl, node: str = WORKER) -> str:
    """The Node's share of the pod subnet."""
    return kubectl("get", "node", node, "--output", "jsonpath={.spec.podCIDR}")


def probe_on(kubectl: Kubectl, node: str) -> str:
    """The name of the probe pod on a Node."""
    selector = "--selector=app.kubernetes.io/name=kubeadm-fleet-probe"
    pods = kubectl.items("--namespace", "kube-system", "get", "pods", selector)
    name: str = next(pod["metadata"]["name"] for pod in pods if pod["spec"]["nodeName"] == node)
    return name


def missing(fleet: PulumiStack) -> list[str]:
    """What the last look found to be missing."""
    exported = json.loads(fleet.succeed("stack", "export").output)
    outputs = next(
        each["outputs"]
        for each in exported["deployment"]["resources"]
        if each["urn"].endswith("::cluster1-health")
    )
    lines: list[str] = outputs["observed"]["missing"]
    return lines


def test_an_unreachable_machine_is_never_considered_deleted(fleet: PulumiStack) -> None:
    spec = MachineSpec.read(fleet.machines / "cluster1" / WORKER)
    assert spec
    subprocess.run(["ip", "link", "set", spec.link, "down"], check=True)
    try:
        fleet.refresh()
        found = recorded(fleet, WORKER)
        shown = fleet.succeed("preview")
    finally:
        subprocess.run(["ip", "link", "set", spec.link, "up"], check=True)
    assert found["reachable"] is False
    assert "cannot be reached" in found["reason"]
    assert not {"delete", "replace"}.intersection(shown.changes)
