"""What somebody does to objects of the program is named, and repaired as it says."""

import json
import time
from collections.abc import Iterator
from functools import partial

import pytest

from model.load import load
from model.object_drift.declaration import DeclaredObject, from_plain
from model.object_drift.kinds import KINDS
from model.object_drift.mark import LABEL
from model.object_drift.rendered import to_plain
from model.object_drift.titles import title
from model.status.condition import Condition, Severity
from ops.kube import client as kube
from ops.kube import cluster_health, object_status
from ops.kube.client import Client
from ops.kube.resources import path_of
from ops.watch.objects import AppliedObject
from ops.watch.objects import read as applied_object
from ops.watch.siblings import Siblings
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

CLUSTER, CONTEXT = "cluster1", "cluster1-admin"
WITHIN_SECONDS = 30
NODES = [f"{CLUSTER}-control-plane-0", f"{CLUSTER}-worker-0"]
SYSTEM = ("--namespace", "kube-system")
PROBE, PROBE_POLICY = "DaemonSet kube-system/kubeadm-fleet-probe", "kubeadm-fleet-probe"
CONTAINER = "spec.template.spec.containers[host]"
# The edited pods are not replaced.
EDIT = {
    "spec": {
        "updateStrategy": {"type": "OnDelete", "rollingUpdate": None},
        "template": {"spec": {"containers": [{"name": "host", "image": "registry.example/x:1"}]}},
    }
}
RULE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: coredns, namespace: kube-system}
spec: {maxUnavailable: 2, selector: {matchLabels: {k8s-app: kube-dns}}}
"""


@pytest.fixture(scope="module")
def client(fleet: PulumiStack) -> Client:
    return kube.of(fleet.output("kubeconfig"))


@pytest.fixture(scope="module")
def declared(fleet: PulumiStack) -> list[DeclaredObject]:
    return list(from_plain(to_plain(load(fleet.config).clusters), CLUSTER) or ())


@pytest.fixture
def admin(kubectl: Kubectl) -> Iterator[Kubectl]:
    yield kubectl.within(CONTEXT)


def read(client: Client, declared: list[DeclaredObject]) -> list[Condition]:
    return object_status.read(client, CLUSTER, declared, 10)


def test_nothing_is_said_of_untouched_objects(
    client: Client, declared: list[DeclaredObject]
) -> None:
    began = time.monotonic()
    found = read(client, declared)
    print(f"{len(declared)} objects: compared in {time.monotonic() - began:.3f} s")
    assert found == []


def marked(client: Client) -> list[AppliedObject]:
    """All objects with a mark, by the kinds and namespaces in which the watch looks for them."""
    found = []
    for (version, kind), served in KINDS.items():
        for namespace in served.namespaces or ("",):
            path = path_of(version, served.plural, namespace)
            found += client.reduced(path, partial(applied_object, kind, ""), labelSelector=LABEL)
    return found


def test_each_object_says_what_was_applied(client: Client, declared: list[DeclaredObject]) -> None:
    found = marked(client)
    print(f"{len(found)} objects, {len({each.siblings for each in found})} times siblings")
    assert {each.title for each in found} == {title(each.document) for each in declared}
    assert [each for each in found if each.loss] == []
    assert [each.title for each in found if not each.number] == []
    assert Siblings().missing(found) == ()


def test_what_others_add_is_theirs(
    client: Client, declared: list[DeclaredObject], admin: Kubectl
) -> None:
    daemons = ("daemonset", PROBE_POLICY, *SYSTEM)
    admin("annotate", *daemons, "example.com/note=mine")
    admin("label", *daemons, "example.com/team=mine")
    admin("label", "namespace", "kube-flannel", "example.com/team=mine")
    assert read(client, declared) == []
    assert [each for each in marked(client) if each.loss] == []


def test_what_is_done_to_objects_is_named_and_repaired(
    fleet: PulumiStack, client: Client, declared: list[DeclaredObject], admin: Kubectl
) -> None:
    began = time.monotonic()
    admin("patch", "daemonset", PROBE_POLICY, *SYSTEM, "--patch", json.dumps(EDIT))
    admin("set", "env", f"daemonset/{PROBE_POLICY}", *SYSTEM, "--containers=host", "ADDED=1")
    admin("delete", "networkpolicy", PROBE_POLICY, *SYSTEM)
    level = "pod-security.kubernetes.io/enforce"
    admin("label", "namespace", "kube-flannel", f"{level}=baseline", "--overwrite")
    rules = json.dumps([{"op": "add", "path": "/rules/-", "value": RULE}])
    admin("patch", "clusterrole", "flannel", "--type=json", "--patch", rules)
    force = json.dumps([{"op": "remove", "path": "/data/force"}])
    drain = ("configmap", "kubeadm-fleet-drain", *SYSTEM)
    admin("patch", *drain, "--type=json", "--patch", force)
    admin("delete", "poddisruptionbudget", "coredns", *SYSTEM)
    admin("create", "--filename", "-", stdin=BUDGET)
    found = read(client, declared)
    took = time.monotonic() - began
    print(f"all named {took:.1f} s after the first of them")
    for each in found:
        print(each.name, each.reason, each.since, each.message)
    assert took <= WITHIN_SECONDS
    by_name = {(each.name, each.reason): each for each in found}
    assert {each.severity for each in found} == {Severity.WARNING}
    edited = by_name.pop((PROBE, "ObjectEdited"))
    assert f"{CONTAINER}.image is registry.example/x:1, not " in edited.message
    assert "spec.updateStrategy.type is OnDelete, not RollingUpdate" in edited.message
    assert "(by kubectl" in edited.message and "repaired by" in edited.message
    assert edited.since is not None
    added = by_name.pop((PROBE, "ObjectExtended"))
    assert f"{CONTAINER}.env[ADDED] was added (by kubectl-set)" in added.message
    deleted = by_name.pop(("NetworkPolicy kube-system/kubeadm-fleet-probe", "ObjectDeleted"))
    assert deleted.message.startswith("was deleted: repaired by")
    label = by_name.pop(("Namespace kube-flannel", "ObjectEdited"))
    assert f"metadata.labels[{level}] is baseline, not privileged (by kubectl-label)" in (
        label.message
    )
    role = by_name.pop(("ClusterRole flannel", "ObjectEdited"))
    assert role.message.startswith("rules[3] was added (by kubectl-patch)")
    removed = by_name.pop(("ConfigMap kube-system/kubeadm-fleet-drain", "ObjectEdited"))
    assert removed.message.startswith("data.force was removed")
    budget = by_name.pop(("PodDisruptionBudget kube-system/coredns", "ObjectEdited"))
    assert "spec.maxUnavailable is 2, not 1" in budget.message
    assert "(by kubectl-create)" in budget.message
    assert by_name == {}
    lost = {each.title: each.loss for each in marked(client) if each.loss}
    for name, loss in lost.items():
        print(name, loss)
    told = {each.title for each in Siblings().missing(marked(client))}
    assert lost.keys() == {
        *(PROBE, "Namespace kube-flannel", "ClusterRole flannel"),
        "ConfigMap kube-system/kubeadm-fleet-drain",
    }
    assert len(told) == 1, "the budget was applied alone"
    fleet.refresh()
    shown = fleet.succeed("preview").output
    assert f"repaired because {PROBE}: " in shown
    fleet.up()
    assert [each for each in marked(client) if each.loss] == []
    assert Siblings().missing(marked(client)) == ()
    (left,) = read(client, declared)
    assert left.reason == "ObjectExtended", "what others added is theirs to remove"
    admin("set", "env", f"daemonset/{PROBE_POLICY}", *SYSTEM, "--containers=host", "ADDED-")
    # A refresh finds a cluster whose probes are being replaced not healthy.
    admin("rollout", "status", "daemonset", PROBE_POLICY, *SYSTEM, "--timeout=60s")
    await_true(
        lambda: not cluster_health.check(client, NODES)["missing"], "the probes to reach each other"
    )
    assert read(client, declared) == []
    notes = json.loads(admin("get", "daemonset", PROBE_POLICY, *SYSTEM, "--output", "json"))
    assert notes["metadata"]["annotations"]["example.com/note"] == "mine"
    assert (run := fleet.refreshed_up()).changes == {}, run.output
