"""What `fleet status` says of objects: what is read of an API, and what cannot be."""

import copy
import threading
from dataclasses import replace
from typing import Any

import pytest

from model.aggregated_api import described
from model.applied_objects import baseline
from model.cni import plugins
from model.load import load
from model.object_drift.declaration import DeclaredObject, from_plain
from model.object_drift.kinds import KINDS
from model.object_drift.mark import marks
from model.object_drift.rendered import to_plain
from model.render import metrics_server
from model.render.objects import parsed
from model.status.condition import Condition, Severity
from ops.kube import object_status
from ops.kube.client import Client
from ops.kube.resources import path_of
from tests.model.examples import CONTAINER, SETTINGS
from tests.model.object_drift.marking import marked
from tests.ops.kube.api_server import Api

CLUSTER: dict[str, Any] = {"machines": {"subnet": "10.89.1.0/24"}, "controlPlanes": {"count": 1}}
CONFIG = {**CONTAINER, "clusters": {"a": CLUSTER}}
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
PROBE = "kubeadm-fleet-probe"


@pytest.fixture(scope="module")
def declared() -> list[DeclaredObject]:
    return list(from_plain(to_plain(load(CONFIG).clusters), "a") or ())


class Served:
    """The objects of a cluster, as its API lists them."""

    def __init__(self, api: Api, declared: list[DeclaredObject]) -> None:
        self.api = api
        self.live = [copy.deepcopy(marked(each.document, each.mark)) for each in declared]
        for entry in self.live:
            fields = {"manager": "kubeadm-fleet", "operation": "Apply", "fieldsV1": {"f:x": {}}}
            entry["metadata"]["managedFields"] = [fields]
        self.serve()

    def serve(self) -> None:
        """Serve what is there now, without what the entries of lists do not have."""
        for kind, served in KINDS.items():
            self.api.lists[path_of(kind[0], served.plural)] = [
                {key: value for key, value in entry.items() if key not in ("apiVersion", "kind")}
                for entry in self.live
                if (entry["apiVersion"], entry["kind"]) == kind
                and "kubeadm-fleet/applied" in entry["metadata"].get("labels", {})
            ]

    def find(self, kind: str, name: str) -> dict[str, Any]:
        return next(
            each for each in self.live if (each["kind"], each["metadata"]["name"]) == (kind, name)
        )


@pytest.fixture
def served(api: Api, declared: list[DeclaredObject]) -> Served:
    return Served(api, declared)


def read(api: Api, declared: list[DeclaredObject], seconds: float = 20) -> list[Condition]:
    return object_status.read(Client(api.kubeconfig), "a", declared, seconds)


def test_untouched_objects_cost_one_list_for_each_kind(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    assert read(api, declared) == []
    kinds = {(each.document["apiVersion"], each.document["kind"]) for each in declared}
    assert len(api.asked) == len(kinds) < 15
    assert {tuple(query["labelSelector"]) for query in api.queries} == {("kubeadm-fleet/applied",)}


def test_every_kind_that_a_config_can_declare_is_known() -> None:
    security = {
        "namespaces": {
            "shop": {
                "defaultDeny": True,
                "quota": {"pods": 20},
                "limits": {"max": {"memory": "1Gi"}},
            }
        },
        "images": {"registries": ["ghcr.io"]},
    }
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    access = [{"role": "deployer", "namespaces": ["shop"]}, {"role": "auditor"}]
    given = {
        "security": security,
        "people": {
            "roles": {"deployer": {"rules": rules}},
            "users": {"carol": {"access": access}},
        },
    }
    networks = ({"network": "calico"}, {"networking": {"networkPolicy": "none"}})
    others = [{**CONFIG, "clusters": {"a": {**CLUSTER, **each}}} for each in networks]
    for config in ({**CONFIG, **given}, SETTINGS, *others):
        found = to_plain(load(config).clusters)["documents"].values()
        assert {(each["apiVersion"], each["kind"]) for each in found} <= KINDS.keys()
    found = to_plain(load({**CONFIG, **given}).clusters)["documents"].values()
    assert {each["kind"] for each in found} >= {"ResourceQuota", "RoleBinding", "LimitRange"}


def test_an_edited_and_a_deleted_object_are_named(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    served.live.remove(served.find("NetworkPolicy", PROBE))
    served.find("DaemonSet", "flannel")["spec"]["template"]["spec"]["hostNetwork"] = False
    served.serve()
    edited, deleted = read(api, declared)
    assert (edited.name, edited.reason) == ("DaemonSet kube-flannel/flannel", "ObjectEdited")
    assert edited.message == (
        "spec.template.spec.hostNetwork is false, not true: repaired by `fleet refresh` and "
        "`fleet up`"
    )
    assert (deleted.name, deleted.reason) == (f"NetworkPolicy kube-system/{PROBE}", "ObjectDeleted")
    assert deleted.severity is edited.severity is Severity.WARNING
    assert f"GET /apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies/{PROBE}" in (
        api.asked
    )


def test_objects_without_a_label_are_asked_for_by_name(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    role = served.find("ClusterRole", "flannel")
    del role["metadata"]["labels"]
    served.serve()
    api.answers["GET /apis/rbac.authorization.k8s.io/v1/clusterroles/flannel"] = (200, role)
    assert read(api, declared) == []


def test_what_may_not_be_listed_is_unknown_and_hides_nothing_else(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    served.find("Namespace", "kube-flannel")["metadata"]["labels"]["x"] = "y"
    served.find("Service", PROBE)["spec"]["ports"][0]["port"] = 1
    served.serve()
    for path in (POLICIES, "/apis/apps/v1/daemonsets"):
        del api.lists[path]
        api.answers[f"GET {path}"] = (403, {"message": "forbidden: no list"})
    edited, unknown = read(api, declared)
    assert edited.name == f"Service kube-system/{PROBE}"
    assert (unknown.reason, unknown.severity) == ("ObjectsUnknown", Severity.INFO)
    assert unknown.message == (
        "its objects (DaemonSet, NetworkPolicy) could not be read: API error: Forbidden"
    )
    assert not [path for path in api.asked if path.endswith(f"networkpolicies/{PROBE}")]


def test_what_hangs_is_unknown_in_time(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    forever = threading.Event()

    def hang() -> tuple[int, dict[str, Any]]:
        forever.wait(60)
        return 200, {"items": []}

    del api.lists[POLICIES]
    api.answers[f"GET {POLICIES}"] = hang
    try:
        (unknown,) = read(api, declared, 20)
    finally:
        forever.set()
    assert unknown.message.startswith("its objects (NetworkPolicy) could not be read: ")


def test_what_is_declared_anew_is_one_row_of_information(
    api: Api, served: Served, declared: list[DeclaredObject]
) -> None:
    config = {**CONFIG, "clusters": {"a": {**CLUSTER, "endpoint": {"vip": "10.89.1.100:8443"}}}}
    newer = list(from_plain(to_plain(load(config).clusters), "a") or ())
    found = read(api, newer)
    assert {each.name for each in found} == {
        "DaemonSet kube-flannel/flannel",
        "DaemonSet calico-system/calico-node",
    }
    assert {(each.reason, each.severity) for each in found} == {("ObjectNotApplied", Severity.INFO)}
    assert len({each.message for each in found}) == 1


def test_of_a_cluster_that_is_not_declared_nothing_is_known(
    declared: list[DeclaredObject],
) -> None:
    assert declared
    assert from_plain(to_plain(load(CONFIG).clusters), "b") is None


def test_what_is_compared_is_what_the_components_apply() -> None:
    (cluster,) = load(CONFIG).clusters
    texts = [plugins.pod_network(cluster), *baseline(cluster).values()]
    texts.append(metrics_server.metrics_server(cluster))
    applied = [mark for text in texts for mark in marks(parsed(text))]
    applied += marks([described(metrics_server.API)])
    declared = from_plain(to_plain([cluster]), "a") or ()
    # How many there are is counted only when they are applied.
    assert [each.mark for each in declared] == [replace(each, number=0) for each in applied]
