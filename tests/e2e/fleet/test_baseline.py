"""The security that every cluster has from its first second, without a word in its config."""

import json
import subprocess

import pytest

from model import paths
from tests.e2e import stored
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pod_network import IMAGE

pytestmark = [pytest.mark.root, pytest.mark.slow]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
TEXT = "an-unmistakable-text"
API_SERVER = "/var/lib/kubeadm-fleet/api-server"
VIOLATIONS = "pod-security.kubernetes.io/audit-violations"
COMPONENTS = ("system:kube-controller-manager", "system:kube-scheduler", "system:apiserver")


def pod(name: str, **spec: object) -> str:
    """A pod that ends by itself when it is told to."""
    container = {"name": "main", "image": IMAGE, "command": ["busybox", "sleep", "3600"]}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
        }
    )


def test_etcd_has_no_secret_in_plain_text(cluster: Kubectl) -> None:
    cluster("create", "secret", "generic", "baseline", f"--from-literal=text={TEXT}")
    found = stored.secrets(cluster, PLANE)
    assert "default/baseline" in found
    for value in found.values():
        assert value.startswith(b"k8s:enc:secretbox:v1:key-")
        assert TEXT.encode() not in value
    read = cluster("get", "secret", "baseline", "--output", "jsonpath={.data.text}")
    assert read, "the API server decrypts it"
    record = ("--namespace", "kube-system", "get", "configmap", "kubeadm-fleet-encryption")
    writer = cluster(*record, "--output", "jsonpath={.data.writer}")
    kind, key = writer.split()
    assert kind == "secretbox"
    assert found["default/baseline"].startswith(f"k8s:enc:secretbox:v1:{key}:".encode())


def test_the_key_is_on_control_planes_alone_and_for_root_alone(machines: Machines) -> None:
    shown = f"stat --format '%a %U' {API_SERVER}/secrets {API_SERVER}/secrets/*"
    assert machines.run(PLANE, shown).splitlines() == ["700 root", "600 root"]
    assert machines.run(WORKER, f"ls {API_SERVER} 2>&1 || true").count("No such file") == 1
    logs = machines.run(PLANE, f"stat --format '%a %U' {stored.LOG} {stored.LOG}/audit.log")
    assert logs.splitlines() == ["700 root", "600 root"]


def test_nobody_learns_more_than_health_without_a_credential(
    cluster: Kubectl, machines: Machines
) -> None:
    server = cluster(
        "config", "view", "--minify", "--output", "jsonpath={.clusters[0].cluster.server}"
    )
    status = "curl --insecure --silent --output /dev/null --write-out '%{http_code} ' "
    asked = ("/livez", "/readyz", "/healthz", "/readyz?verbose", "/version", "/api", "/livez/etcd")
    shell = "; ".join(f"{status} '{server}{path}'" for path in asked)
    assert machines.run(WORKER, shell).split() == ["200"] * 4 + ["401"] * 3


def test_a_pod_that_could_take_over_its_node_is_rejected(cluster: Kubectl) -> None:
    with pytest.raises(AssertionError, match=r'violates PodSecurity "baseline:v1\.36"'):
        cluster("apply", "--filename", "-", stdin=pod("intruder", hostNetwork=True))
    with pytest.raises(AssertionError, match="host namespaces"):
        cluster("apply", "--filename", "-", stdin=pod("intruder", hostPID=True))
    files = [{"name": "host", "hostPath": {"path": "/etc/kubernetes"}}]
    with pytest.raises(AssertionError, match="hostPath volumes"):
        cluster("apply", "--filename", "-", stdin=pod("intruder", volumes=files))
    powers = {"name": "main", "image": IMAGE, "securityContext": {"privileged": True}}
    with pytest.raises(AssertionError, match="privileged"):
        cluster("apply", "--filename", "-", stdin=pod("intruder", containers=[powers]))


def test_a_pod_that_is_not_restricted_is_warned_of(cluster: Kubectl) -> None:
    binary = str(paths.bundle_dir("v1.36.3") / "bin" / "kubectl")
    context = ["--kubeconfig", str(cluster.kubeconfig), "--context", str(cluster.context)]
    ran = subprocess.run(
        [binary, *context, "apply", "--filename", "-"],
        input=pod("baseline"),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert 'would violate PodSecurity "restricted:v1.36"' in ran.stderr


def test_sessions_and_changes_are_in_the_audit_log(cluster: Kubectl, machines: Machines) -> None:
    cluster("wait", "--for=condition=Ready", "pod/baseline", "--timeout=60s")
    cluster("exec", "baseline", "--", "busybox", "echo", TEXT)
    sessions = stored.audit_events(machines, PLANE, '"subresource":"exec"')
    mine = [event for event in sessions if event["objectRef"]["name"] == "baseline"]
    assert {event["stage"] for event in mine} == {"ResponseStarted", "ResponseComplete"}
    assert all(TEXT in event["requestURI"] for event in mine)
    assert all(event["user"]["username"] == "kubeadm-fleet-admin" for event in mine)
    created = [
        event
        for event in stored.audit_events(machines, PLANE, '"resource":"pods"')
        if event["verb"] in ("create", "patch") and event["objectRef"].get("name") == "baseline"
    ]
    assert any(event["level"] == "Request" and "requestObject" in event for event in created)
    noted = [event.get("annotations", {}).get(VIOLATIONS, "") for event in created]
    assert any('would violate PodSecurity "restricted:v1.36"' in note for note in noted)
    cluster("delete", "pod", "baseline", "--now")


def test_no_secret_is_in_the_audit_log_and_its_reader_is(
    cluster: Kubectl, machines: Machines
) -> None:
    events = stored.audit_events(machines, PLANE, '"resource":"secrets"')
    mine = [event for event in events if event["objectRef"].get("name") == "baseline"]
    assert {"create", "get"} <= {event["verb"] for event in mine}
    assert {event["level"] for event in events} == {"Metadata"}
    cluster("delete", "secret", "baseline")


def test_what_the_cluster_does_by_the_clock_is_not_in_the_audit_log(machines: Machines) -> None:
    """A run of several minutes has few enough events of the cluster's own components."""
    events = stored.audit_events(machines, PLANE)
    assert {event["stage"] for event in events} <= {"ResponseStarted", "ResponseComplete", "Panic"}
    for event in events:
        what, user = event.get("objectRef", {}), event["user"]["username"]
        by_component = user in COMPONENTS or user.startswith("system:node:")
        assert what.get("resource") != "events"
        assert not event["requestURI"].startswith(("/livez", "/readyz", "/healthz"))
        assert not (by_component and what.get("resource") == "leases"), event
        assert not (by_component and what.get("subresource") == "status"), event
