"""Changed settings reach running machines: shown in the preview, applied in the safe order."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.rotation_phases import NAMES, PREPARE, SWITCH, config_key
from ops.wait import NotYet, wait_until
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(1200)]

ENVIRONMENT = "systemctl show --property=Environment --value containerd"
# How long a run needs to reach the rollout, and to change something there.
KILL_SECONDS, BEGUN_SECONDS = 120, 1.5
# The program's credential for a kubelet ends within the hour.
OWN_CERTIFICATE = (
    "openssl x509 -noout -checkend 3600 -in /var/lib/kubelet/pki/kubelet-client-current.pem"
)
# A file of the user for API servers, which do not start without it, and a folder of the machine.
TRACING = "/var/lib/kubeadm-fleet/api-server/files/tracing.yaml"
NO_TRACES = """\
apiVersion: apiserver.config.k8s.io/v1
kind: TracingConfiguration
samplingRatePerMillion: 0
"""
LICENCES = {
    "name": "licences",
    "hostPath": "/etc/licences",
    "mountPath": "/licences",
    "pathType": "DirectoryOrCreate",
}
PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(85) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "networking": {"podSubnet": "10.245.0.0/25", "nodeCidrMaskSize": 27},
                    "kubelet": {"maxPods": 20},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def cluster(fleet: PulumiStack) -> dict[str, Any]:
    """What the config says of the cluster."""
    found: dict[str, Any] = fleet.config["clusters"]["cluster1"]
    return found


def applied(fleet: PulumiStack, *sentences: str) -> str:
    """See the sentences in the preview, apply, and see that nothing is left to do.

    Return what the preview said.
    """
    shown = fleet.succeed("preview")
    for sentence in sentences:
        assert sentence in shown.output
    for finished in (shown, fleet.up()):
        assert "cluster1-rollout" in finished.steps("update")
        assert "replace" not in finished.changes
    assert (run := fleet.up()).changes == {}, run.output
    return shown.output


def node(kubectl: Kubectl, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl("get", "node", name, "--output", "json"))
    return found


def test_labels_and_taints_are_set_in_place(fleet: PulumiStack, kubectl: Kubectl) -> None:
    cluster(fleet)["workers"] |= {"labels": {"disk": "ssd"}, "taints": ["gpu=yes:NoSchedule"]}
    applied(fleet, f"{WORKER}: label disk=ssd, taint gpu=yes:NoSchedule: in place")
    found = node(kubectl, WORKER)
    assert found["metadata"]["labels"]["disk"] == "ssd"
    assert found["spec"]["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]


def test_nodes_have_shares_of_the_set_size_for_as_long_as_the_cluster_exists(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    assert {node(kubectl, name)["spec"]["podCIDR"] for name in (PLANE, WORKER)} == {
        f"10.245.0.{start}/27" for start in (0, 32)
    }
    cluster(fleet)["networking"] |= {"nodeCidrMaskSize": 28}
    cluster(fleet)["kubelet"] = {"maxPods": 10}
    refused = fleet.run("preview")
    assert refused.status != 0
    assert "networking.nodeCidrMaskSize is 27 and cannot be changed to 28" in refused.output
    cluster(fleet)["networking"] |= {"nodeCidrMaskSize": 27}
    cluster(fleet)["kubelet"] = {"maxPods": 20}


def test_kubelet_settings_restart_kubelets_only_and_labels_are_removed_in_place(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    pods = {each["metadata"]["uid"] for each in _pods(kubectl)}
    cluster(fleet)["kubelet"] = {"maxPods": 25}
    cluster(fleet)["workers"] |= {"labels": {}, "taints": []}
    how = "new kubelet settings (maxPods): kubelet restarted, pods keep running"
    removed = "label disk removed, taint gpu=yes:NoSchedule removed: in place"
    applied(fleet, f"{PLANE}: {how}", f"{WORKER}: {how}; {removed}")
    for name in (PLANE, WORKER):
        assert node(kubectl, name)["status"]["capacity"]["pods"] == "25"
    worker = node(kubectl, WORKER)
    assert "disk" not in worker["metadata"]["labels"]
    assert "taints" not in worker["spec"]
    assert {each["metadata"]["uid"] for each in _pods(kubectl)} == pods


def test_proxy_and_mirrors_reach_running_machines(fleet: PulumiStack, kubectl: Kubectl) -> None:
    machines = Machines(fleet)
    restarts = {each["metadata"]["uid"]: _restarts(each) for each in _pods(kubectl)}
    cluster(fleet)["proxy"] = {"https": "http://192.0.2.1:3128"}
    cluster(fleet)["registryMirrors"] = {"docker.io": {"url": "https://mirror.example.com"}}
    how = (
        "the registry mirrors changed: in place; the proxy changed: containerd restarted, "
        "containers keep running"
    )
    applied(fleet, f"{PLANE}: {how}", f"{WORKER}: {how}")
    for name in (PLANE, WORKER):
        assert "https_proxy=http://192.0.2.1:3128" in machines.run(name, ENVIRONMENT).split()
        assert "mirror.example.com" in machines.run(
            name, "cat /etc/containerd/certs.d/docker.io/hosts.toml"
        )
    # Files written by the rollout are no manual edit.
    assert fleet.refresh().changes == {}
    assert {each["metadata"]["uid"]: _restarts(each) for each in _pods(kubectl)} == restarts


def test_run_that_was_killed_while_it_removed_a_proxy_is_resumed(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    restarts = {each["metadata"]["uid"]: _restarts(each) for each in _pods(kubectl)}
    del cluster(fleet)["proxy"], cluster(fleet)["registryMirrors"]
    log = fleet.folder / "killed.log"
    engine = fleet.start("up", "--yes", "--skip-preview", log=log)
    _await_text(log, "cluster1-rollout updating")
    time.sleep(BEGUN_SECONDS)
    fleet.kill(engine)
    fleet.run("cancel", "--yes")
    fleet.up()
    assert (run := fleet.up()).changes == {}, run.output
    for name in (PLANE, WORKER):
        assert Machines(fleet).run(name, ENVIRONMENT).strip() == ""
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s")
    assert {each["metadata"]["uid"]: _restarts(each) for each in _pods(kubectl)} == restarts


def _await_text(log: Path, text: str) -> None:
    def is_there() -> None:
        if text not in log.read_text():
            raise NotYet(log.read_text())

    wait_until(is_there, KILL_SECONDS, AssertionError, poll_seconds=0.1)


def _pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    return kubectl.items("get", "pods", "--all-namespaces")


def _restarts(pod: dict[str, Any]) -> int:
    return sum(each["restartCount"] for each in pod["status"]["containerStatuses"])


def test_api_server_settings_reach_control_planes_only(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    cluster(fleet)["apiServer"] = {
        "extraArgs": {"event-ttl": "2h", "tracing-config-file": TRACING},
        "certSANs": ["api.example.com"],
        "files": {Path(TRACING).name: NO_TRACES},
        "extraVolumes": [LICENCES],
    }
    shown = applied(fleet, f"{PLANE}: ", "new settings (apiServer", "kube-apiserver restarted")
    assert f"{WORKER}:" not in shown
    (pod,) = kubectl.items(
        "get", "pods", "--namespace", "kube-system", "--selector", "component=kube-apiserver"
    )
    (server,) = pod["spec"]["containers"]
    assert {"--event-ttl=2h", f"--tracing-config-file={TRACING}"} <= {*server["command"]}
    assert LICENCES["mountPath"] in {each["mountPath"] for each in server["volumeMounts"]}
    names = Machines(fleet).run(
        PLANE, "openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt"
    )
    assert "api.example.com" in names


def test_cas_and_keys_are_replaced(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """Except the last phase, which waits for minutes (test_rotation.py)."""
    phases = cluster(fleet).setdefault("rotations", {})
    for phase in (PREPARE, SWITCH):
        phases.update(dict.fromkeys(map(config_key, NAMES), phase))
        applied(fleet, f"{PLANE}: rotation of ca: {phase}", f"{WORKER}: rotation of ca: {phase}")
    for name in (PLANE, WORKER):
        assert "will not expire" in Machines(fleet).run(name, OWN_CERTIFICATE), (
            "it is the kubelet's"
        )
    # kubectl has the first CA alone, and a certificate of it.
    assert kubectl.node_names() == [PLANE, WORKER]
    assert kubectl("--namespace", "kube-system", "logs", f"etcd-{PLANE}", "--tail=1")


def test_machine_that_joins_later_gets_the_settings_too(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    cluster(fleet)["workers"]["count"] = 2
    applied(fleet, "cluster1-worker-1: added: a new machine joins")
    assert node(kubectl, "cluster1-worker-1")["status"]["capacity"]["pods"] == "25"
