"""metrics-server: it knows all Nodes soon, each side verifies the other, and it may be left out."""

import base64
import json
import re
import subprocess
import time

import pytest
import yaml

from model import pins
from model.aggregated_api import EXPIRES
from model.load import load
from model.object_drift.declaration import from_plain
from model.object_drift.rendered import to_plain
from model.pki import ledger as ledgers
from model.pki.ledger import Status
from model.pki.ledger_facts import Place
from model.status.condition import Condition
from ops.kube import capacity, cluster_status, object_status
from ops.kube import client as kube
from ops.kube.client import Client
from scripts.fleet import served_certificates
from tests.e2e import metrics
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

CLUSTERS = ("cluster1", "cluster2")
PLANE = "cluster1-control-plane-0"
HOST = "metrics-server.kube-system.svc"
IMAGE = f"registry.k8s.io/metrics-server/metrics-server:{pins.METRICS_SERVER}"
SECRET = ("--namespace", "kube-system", "get", "secret", "metrics-server-serving")
OBJECTS = (
    "--namespace",
    "kube-system",
    "get",
    "--selector",
    "app.kubernetes.io/name=metrics-server",
)
KINDS = "deployments,services,serviceaccounts,secrets,networkpolicies,poddisruptionbudgets"
REGISTRATION = "APIService v1beta1.metrics.k8s.io"
CERTIFICATE = "cluster1-metrics-server-certificate"
SECONDS = 10.0
CHANGES = ("create", "update", "replace", "delete")


@pytest.fixture(scope="module")
def machines(fleet: PulumiStack) -> Machines:
    return Machines(fleet)


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Kubectl:
    return kubectl.within("cluster1-admin")


def client(fleet: PulumiStack, cluster: str) -> Client:
    kubeconfig = yaml.safe_load(fleet.output("kubeconfig"))
    return kube.of(yaml.safe_dump({**kubeconfig, "current-context": f"{cluster}-admin"}))


def drift(fleet: PulumiStack) -> list[Condition]:
    """What is not as declared in cluster1."""
    declared = from_plain(to_plain(load(fleet.config).clusters), "cluster1") or ()
    return object_status.read(client(fleet, "cluster1"), "cluster1", declared, SECONDS)


def members(cluster: str) -> set[str]:
    return {f"{cluster}-control-plane-0", f"{cluster}-worker-0"}


def test_what_nodes_and_pods_use_is_known_soon(fleet: PulumiStack, kubectl: Kubectl) -> None:
    began = time.monotonic()
    for cluster in CLUSTERS:
        metrics.await_nodes(kubectl.within(f"{cluster}-admin"), members(cluster))
        print(f"{cluster}: {time.monotonic() - began:.1f} s after `up`")
    own = "/apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods"
    await_true(
        lambda: "metrics-server-" in kubectl.within("cluster1-admin")("get", "--raw", own),
        "what metrics-server itself uses",
    )
    for each in json.loads(kubectl.within("cluster1-admin")("get", "--raw", own))["items"]:
        print(each["metadata"]["name"], [found["usage"] for found in each["containers"]])
    used = capacity.read_usage(client(fleet, "cluster1"))
    assert used.reason == ""
    assert set(used.nodes) == members("cluster1")


def test_the_api_verifies_it_with_the_cluster_s_ca_alone(
    fleet: PulumiStack, cluster: Kubectl, machines: Machines
) -> None:
    assert metrics.is_available(cluster)
    spec = metrics.registration(cluster)["spec"]
    assert not spec.get("insecureSkipTLSVerify")
    trusted = base64.b64decode(spec["caBundle"]).decode()
    assert trusted.strip() == machines.run(PLANE, "cat /etc/kubernetes/pki/ca.crt").strip()
    address = cluster(
        *("--namespace", "kube-system", "get", "service", "metrics-server"),
        *("--output", "jsonpath={.spec.clusterIP}"),
    )
    shown = machines.run(
        PLANE,
        f"openssl s_client -connect {address}:443 -CAfile /etc/kubernetes/pki/ca.crt "
        f"-verify_hostname {HOST} -verify_return_error </dev/null 2>&1",
    )
    assert "Verify return code: 0 (ok)" in shown, shown
    assert fleet.output("certificates")["cluster1"]["metrics-server"].strip() in shown


def test_the_capacity_says_what_is_used(kubectl: Kubectl) -> None:
    program = str(CHECKOUT / ".venv" / "bin" / "fleet")
    command = [program, "capacity", "--kubeconfig", str(kubectl.kubeconfig)]
    shown = subprocess.run(command, capture_output=True, text=True)
    print(shown.stdout, shown.stderr)
    assert shown.returncode == 0
    head, *rows = shown.stdout.splitlines()[:4]
    for column in ("CPU UTIL", "MEMORY UTIL"):
        begin = head.index(column)
        said = [row[begin:].split()[0] for row in rows]
        assert all(re.fullmatch(r"[1-9]\d*(m|Mi|Gi)?", each) for each in said), shown.stdout


def test_kubelets_are_verified_and_no_request_fails(cluster: Kubectl) -> None:
    said = cluster("--namespace", "kube-system", "logs", "deployment/metrics-server")
    assert "x509" not in said, said
    assert "Failed to scrape" not in said, said


def test_its_certificate_is_in_the_ledger_and_in_the_status(
    fleet: PulumiStack, cluster: Kubectl
) -> None:
    outputs = {"certificates": fleet.output("certificates")}
    place = Place("", "", ledgers.now())
    listed = served_certificates.read(outputs, (), place).certificates
    assert [(each.cluster, each.name) for each in listed] == [
        (name, "metrics-server") for name in CLUSTERS
    ]
    assert {each.status for each in listed} == {Status.VALID}
    assert listed[0].names == (HOST,)
    said = metrics.registration(cluster)["metadata"]["annotations"][EXPIRES]
    assert said == listed[0].not_after.isoformat()

    def has_nothing_to_say() -> bool:
        found = cluster_status.read(client(fleet, "cluster1"), "cluster1", SECONDS)
        (add_on,) = [each for each in found.add_ons if each.name == "metrics-server"]
        return add_on.is_ready and found.conditions == [] and found.certificate is not None

    await_true(has_nothing_to_say, "a status without a condition", 90)


def test_what_somebody_changed_is_repaired_with_another_certificate(
    fleet: PulumiStack, cluster: Kubectl
) -> None:
    former = cluster(*SECRET, "--output", "jsonpath={.data}")
    unverified = {"spec": {"insecureSkipTLSVerify": True, "caBundle": None}}
    cluster(
        *("patch", "apiservice", "v1beta1.metrics.k8s.io", "--type", "merge"),
        *("--patch", json.dumps(unverified)),
    )
    (edited,) = drift(fleet)
    assert (edited.name, edited.reason) == (REGISTRATION, "ObjectEdited")
    assert "spec.insecureSkipTLSVerify is true, not false (by kubectl-patch)" in edited.message
    fleet.refresh()
    run = fleet.up()
    assert run.steps(*CHANGES) == [CERTIFICATE], run.output
    spec = metrics.registration(cluster)["spec"]
    assert (bool(spec.get("insecureSkipTLSVerify")), bool(spec["caBundle"])) == (False, True)
    assert cluster(*SECRET, "--output", "jsonpath={.data}") != former
    # The key is nowhere else.
    key = json.loads(cluster(*SECRET, "--output", "json"))["data"]["tls.key"]
    export = fleet.succeed("stack", "export", "--show-secrets").output
    assert base64.b64decode(key).decode().splitlines()[1] not in export
    assert drift(fleet) == []
    # Its pod reads the new one by itself.
    metrics.await_nodes(cluster, members("cluster1"))
    fleet.refresh()
    assert (again := fleet.up()).changes == {}, again.output


def test_without_it_nothing_of_it_is_left(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    there = kubectl.within("cluster2-admin")
    fleet.config["clusters"]["cluster2"]["metricsServer"] = False
    run = fleet.up()
    assert not [name for name in run.steps(*CHANGES) if name.startswith("cluster1")], run.output
    assert there.items(*OBJECTS, KINDS) == []
    assert "metrics.k8s.io" not in there("get", "apiservices", "--output", "name")
    roles = there("get", "clusterroles,clusterrolebindings", "--output", "name")
    assert "metrics" not in roles
    used = capacity.read_usage(client(fleet, "cluster2"))
    assert used.reason == capacity.NOT_SERVED
    del fleet.config["clusters"]["cluster2"]["metricsServer"]
    # As on machines that never had it.
    for machine in members("cluster2"):
        machines.run(machine, f"ctr --namespace k8s.io images rm {IMAGE}")
    fleet.up()
    metrics.await_nodes(there, members("cluster2"))
    assert (again := fleet.preview()).changes == {}, again.output
