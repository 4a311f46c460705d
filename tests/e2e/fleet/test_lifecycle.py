"""The lifecycle of a fleet with the real engine, machines and kubectl; the tests run in order."""

import copy
import json
import os
import shutil
import signal
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ops.pulumi.cli import UNATTENDED
from scripts.bench.existing import STATE_LIMIT
from scripts.bench.stack import size_of
from tests.e2e.kubectl import Kubectl, token_rules
from tests.e2e.networks import networks
from tests.e2e.pod_network import IMAGE, assert_pods_talk
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.ops.nspawn import host
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

CONTEXTS = ["cluster1-admin", "cluster2-admin"]
# A first process that ignores SIGTERM would hold a drain up for its pod's 30 seconds.
ENDS_WHEN_TOLD = "trap exit TERM; while true; do busybox sleep 1; done"


def test_the_kubeconfig_has_a_context_for_each_cluster(kubectl: Kubectl) -> None:
    assert kubectl("config", "get-contexts", "--output", "name").split() == CONTEXTS
    assert kubectl("config", "current-context").strip() == "cluster1-admin"
    kubectl("config", "use-context", "cluster2-admin")
    assert kubectl("config", "current-context").strip() == "cluster2-admin"
    assert kubectl.node_names() == ["cluster2-control-plane-0", "cluster2-worker-0"]
    kubectl("config", "use-context", "cluster1-admin")
    assert kubectl.node_names() == ["cluster1-control-plane-0", "cluster1-worker-0"]


def test_the_clusters_output_describes_the_clusters(fleet: PulumiStack, subnets: list[str]) -> None:
    clusters = json.loads(fleet.succeed("stack", "output", "clusters", "--json").output)
    assert list(clusters) == ["cluster1", "cluster2"]
    first = clusters["cluster1"]
    assert first["endpoint"] == f"https://{IPv4Network(subnets[0])[11]}:6443"
    assert first["kubernetesVersion"] == "v1.36.3"
    assert first["labels"] == {"environment": "test", "region": "tokyo"}
    assert [node["name"] for node in first["nodes"]] == [
        "cluster1-control-plane-0",
        "cluster1-worker-0",
    ]
    assert all(node["version"] == "v1.36.3" and node["ready"] for node in first["nodes"])
    assert first["caFingerprint"] != clusters["cluster2"]["caFingerprint"]


@pytest.mark.parametrize("context", CONTEXTS)
def test_pods_on_different_nodes_talk_and_resolve_services(kubectl: Kubectl, context: str) -> None:
    assert_pods_talk(kubectl.within(context))


def test_logs_of_a_pod_can_be_read(kubectl: Kubectl) -> None:
    logs = kubectl(
        "--namespace", "kube-system", "logs", "--selector", "k8s-app=kube-dns", "--tail=-1"
    )
    assert "CoreDNS" in logs


def test_there_are_neither_bootstrap_tokens_nor_rules_for_them(kubectl: Kubectl) -> None:
    for context in CONTEXTS:
        tokens = kubectl.within(context).items(
            "--namespace", "kube-system", "get", "secrets",
            "--field-selector", "type=bootstrap.kubernetes.io/token",
        )  # fmt: skip
        assert tokens == []
        assert not token_rules(kubectl.within(context))


def test_the_admin_is_no_system_master(kubectl: Kubectl) -> None:
    groups = json.loads(kubectl("auth", "whoami", "--output", "json"))["status"]["userInfo"]
    assert groups["username"] == "kubeadm-fleet-admin"
    assert sorted(groups["groups"]) == ["kubeadm:cluster-admins", "system:authenticated"]


def command(fleet: PulumiStack, name: str, *arguments: str) -> list[str]:
    """Return `fleet NAME` for the stack."""
    return [str(CHECKOUT / ".venv" / "bin" / "fleet"), name, "--stack", fleet.name, *arguments]


def run_command(
    fleet: PulumiStack, name: str, *arguments: str, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command(fleet, name, *arguments), env=fleet.environment, input=stdin, capture_output=True
    )


def test_every_machine_accepts_logins(fleet: PulumiStack) -> None:
    for cluster in ("cluster1", "cluster2"):
        for machine in (f"{cluster}-control-plane-0", f"{cluster}-worker-0"):
            done = run_command(fleet, "ssh", machine, "--", "hostname; exit 7")
            assert (done.returncode, done.stdout.decode()) == (7, f"{machine}\n"), done.stderr
    content = os.urandom(1 << 20)
    assert run_command(fleet, "ssh", machine, "--", "cat", stdin=content).stdout == content


def test_logs_of_machines_and_components_can_be_read(fleet: PulumiStack) -> None:
    kubelet = run_command(fleet, "logs", "cluster1-worker-0", "--tail", "20")
    assert kubelet.returncode == 0, kubelet.stderr
    assert 0 < len(kubelet.stdout.splitlines()) <= 20
    assert b"kubelet[" in kubelet.stdout
    for component in ("kube-apiserver", "etcd"):
        shown = run_command(fleet, "logs", f"cluster2/{component}", "--since", "1h")
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout
        assert b" stderr F " not in shown.stdout
    unknown = run_command(fleet, "logs", "cluster1-worker-0", "nothing")
    assert unknown.returncode == 2
    assert b"there is no unit nothing on this machine" in unknown.stderr


def test_followed_logs_leave_no_process_on_the_machine(fleet: PulumiStack) -> None:
    name = "cluster1-worker-0"
    following = subprocess.Popen(
        command(fleet, "logs", "--follow", name), env=fleet.environment, stdout=subprocess.PIPE
    )
    assert following.stdout
    assert following.stdout.readline()
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=10) == 130
    following.stdout.close()
    left = "pgrep journalctl"
    await_true(
        lambda: run_command(fleet, "ssh", name, "--", left).returncode == 1, "it to end there"
    )


def test_a_second_up_changes_nothing(fleet: PulumiStack) -> None:
    assert (run := fleet.up()).changes == {}, run.output
    assert (run := fleet.preview()).changes == {}, run.output


def test_a_refresh_on_another_host_issues_its_credentials_from_the_state(
    fleet: PulumiStack,
) -> None:
    shutil.rmtree(fleet.folder / "state" / "identities")
    refused = fleet.run("refresh", *UNATTENDED)
    assert refused.status != 0
    assert f"run `fleet preview {fleet.name}` (or `pulumi preview`)" in refused.output
    fleet_command = [str(CHECKOUT / ".venv" / "bin" / "fleet"), "refresh", fleet.name]
    done = subprocess.run(fleet_command, env=fleet.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (run := fleet.refreshed_up()).changes == {}, run.output


def test_ca_keys_are_on_control_planes_only_and_readable_by_root_only(fleet: PulumiStack) -> None:
    root = fleet.machines / "cluster1"
    control_plane = _files(root / "cluster1-control-plane-0")
    assert control_plane["etc/kubernetes/pki/ca.key"] == 0o600
    assert control_plane["etc/kubernetes/pki/sa.key"] == 0o600
    assert control_plane["etc/kubernetes/pki/etcd/ca.key"] == 0o600
    assert control_plane["etc/kubernetes/pki/front-proxy-ca.key"] == 0o600
    worker = _files(root / "cluster1-worker-0")
    assert [name for name in worker if name.startswith("etc/kubernetes/pki")] == [
        "etc/kubernetes/pki/ca.crt"
    ]
    assert not [name for name in worker if "join.conf" in name or "bootstrap" in name]


def test_a_stopped_machine_is_started_again(fleet: PulumiStack, kubectl: Kubectl) -> None:
    leader = int((fleet.machines / "cluster1" / "cluster1-worker-0" / "leader").read_text())
    os.kill(leader, signal.SIGKILL)
    finished = fleet.up()
    assert finished.steps("update") == ["cluster1-worker-0"]
    _await_nodes(kubectl, ["cluster1-control-plane-0", "cluster1-worker-0"])


def test_a_worker_is_added_and_the_others_are_unchanged(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    fleet.config = copy.deepcopy(fleet.config)
    fleet.config["clusters"]["cluster1"]["workers"]["count"] = 2
    before = size_of(fleet.succeed("stack", "export").output)
    finished = fleet.up()
    assert size_of(fleet.succeed("stack", "export").output) - before < STATE_LIMIT
    assert all("cluster1-worker-1" in name for name in finished.steps("create"))
    assert finished.steps("update") == ["cluster1-rollout", "cluster1-health"]
    assert finished.steps("replace", "delete") == []
    assert kubectl.within("cluster1-admin").node_names() == [
        "cluster1-control-plane-0",
        "cluster1-worker-0",
        "cluster1-worker-1",
    ]


def test_a_removed_worker_is_drained_first(fleet: PulumiStack, kubectl: Kubectl) -> None:
    cluster = kubectl.within("cluster1-admin")
    cluster("create", "deployment", "web", "--image", IMAGE, "--replicas", "4",
            "--", "busybox", "sh", "-c", ENDS_WHEN_TOLD)  # fmt: skip
    cluster("rollout", "status", "deployment/web", "--timeout", "60s")
    placed = {pod["spec"]["nodeName"] for pod in cluster.items("get", "pods")}
    assert "cluster1-worker-1" in placed
    fleet.config["clusters"]["cluster1"]["workers"]["count"] = 1
    fleet.up()
    assert cluster.node_names() == ["cluster1-control-plane-0", "cluster1-worker-0"]
    cluster("rollout", "status", "deployment/web", "--timeout", "60s")
    placed = {pod["spec"]["nodeName"] for pod in cluster.items("get", "pods")}
    assert placed == {"cluster1-worker-0"}


def test_a_killed_run_is_repaired_by_the_next(fleet: PulumiStack, subnets: list[str]) -> None:
    """The engine and its providers die while the third cluster's machines join."""
    fleet.config["clusters"]["cluster3"] = {
        "machines": {"subnet": subnets[2]},
        "networking": networks(3),
        "controlPlanes": {"count": 1},
        "workers": {"count": 1},
    }
    log = fleet.folder / "killed.log"
    engine = fleet.start("up", "--yes", "--skip-preview", "--parallel", "32", log=log)
    await_true(
        lambda: "running kubeadm init" in log.read_text(), "kubeadm init to begin", seconds=60
    )
    fleet.kill(engine)
    fleet.succeed("cancel", "--yes")
    finished = fleet.up()
    assert not [name for name in finished.steps("update", "replace", "delete")
                if not name.startswith("cluster3")]  # fmt: skip
    clusters = fleet.output("clusters")
    assert [node["ready"] for node in clusters["cluster3"]["nodes"]] == [True, True]


def test_a_removed_cluster_does_not_change_the_others(fleet: PulumiStack, kubectl: Kubectl) -> None:
    del fleet.config["clusters"]["cluster3"]
    finished = fleet.up()
    assert finished.steps("create", "update", "replace") == []
    assert all(name.startswith("cluster3") for name in finished.steps("delete"))
    assert not (fleet.machines / "cluster3").exists()
    for context in CONTEXTS:
        assert len(kubectl.within(context).node_names()) == 2


def _files(machine: Path) -> dict[str, int]:
    """Paths and modes below the machine's own disk."""
    upper = machine / "upper"
    return {
        str(path.relative_to(upper)): path.stat().st_mode & 0o777
        for path in upper.rglob("*")
        if path.is_file() and not path.is_symlink() and "containerd" not in path.parts
    }


def _await_nodes(kubectl: Kubectl, names: list[str]) -> None:
    await_true(
        lambda: kubectl.within("cluster1-admin").node_names() == names, f"{names} to be Ready"
    )


def test_destroy_leaves_nothing(fleet: PulumiStack) -> None:
    marks = fleet.marks()
    finished = fleet.destroy()
    assert "error" not in finished.output
    assert not fleet.machines.exists() or not list(fleet.machines.iterdir())
    left = host.parts(*marks)
    assert not any(left.values()), left
    resources = json.loads(fleet.succeed("stack", "export").output)["deployment"]
    assert resources.get("resources", []) == [] or len(resources["resources"]) == 1
