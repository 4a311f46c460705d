"""Cluster memberships: how a member leaves."""

from typing import Any

import pytest

from components.providers.membership import MembershipProvider
from ops.errors import OperatorError
from ops.kube.node import CORDONED
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import Etcd
from tests.ops.kube.pod_fixture import BUDGETS_PATH, PING_PATH, PodFixture

NODE = "cluster1-worker-0"
NODES_PATH = "/api/v1/nodes"
NODE_PATH = f"{NODES_PATH}/{NODE}"
PODS_PATH = "/api/v1/pods"
DRAIN_PATH = "/api/v1/namespaces/kube-system/configmaps/kubeadm-fleet-drain"


CHANGES = ("PATCH", "DELETE", "EXEC etcdctl member remove")


def props(api: Api, **changes: Any) -> dict[str, Any]:
    return {
        "cluster": "cluster1",
        "node": NODE,
        "machine_id": "first",
        "identity": api.identity,
        "role": "worker",
        "pool": "worker",
        "address": "192.0.2.21",
        "peers": [],
        "drain_seconds": 1,
        "force": False,
        **changes,
    }


def member(api: Api) -> dict[str, Any]:
    return MembershipProvider().create(props(api)).outs or {}


def node(ready: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready}
    return {"metadata": {"name": NODE}, "spec": {}, "status": {"conditions": [condition]}}


def test_another_machine_replaces_the_membership_after_deleting_the_old_one(api: Api) -> None:
    found = MembershipProvider().diff("id", member(api), props(api, machine_id="second"))
    assert found.replaces == ["machine_id"]
    assert found.delete_before_replace


@pytest.mark.parametrize(
    "change",
    [
        {"drain_seconds": 2},
        {"force": True},
        {"peers": ["cluster1-control-plane-1"]},
    ],
)
def test_new_access_is_an_update_in_place(api: Api, change: dict[str, Any]) -> None:
    outs = member(api)
    found = MembershipProvider().diff("id", outs, props(api, **change))
    assert found.changes
    assert not found.replaces
    after = MembershipProvider().update("id", outs, props(api, **change)).outs or {}
    assert after == {**outs, **change}


def test_a_preview_asks_nobody(api: Api) -> None:
    assert not MembershipProvider().diff("id", member(api), props(api)).changes
    assert api.asked == []


def test_the_only_control_plane_needs_no_check_when_its_cluster_is_destroyed(api: Api) -> None:
    MembershipProvider().delete("id", props(api, role="control-plane"))
    assert api.asked == []


@pytest.fixture(autouse=True)
def _nodes(api: Api) -> None:
    """A cluster that answers, and knows no Node."""
    api.answers[f"GET {NODES_PATH}"] = (200, {"items": []})


def test_leaving_cordons_and_deletes_the_node(api: Api) -> None:
    api.answers[f"GET {NODE_PATH}"] = api.answers[f"PATCH {NODE_PATH}"] = (200, node("True"))
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": []})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    MembershipProvider().delete("id", member(api))
    assert [asked for asked in api.asked if "/api/v1/" in asked] == [
        f"GET {NODES_PATH}",
        f"GET {DRAIN_PATH}",
        f"GET {NODE_PATH}",
        f"PATCH {NODE_PATH}",
        f"GET {PODS_PATH}",
        f"DELETE {NODE_PATH}",
    ]
    annotations = api.sent[f"PATCH {NODE_PATH}"]["metadata"]["annotations"]
    assert annotations == {CORDONED: "leaving"}, "if it stays, a rollout uncordons it"


def test_a_cordon_of_a_person_stays_theirs(api: Api) -> None:
    cordoned = {**node("True"), "spec": {"unschedulable": True}}
    api.answers[f"GET {NODE_PATH}"] = (200, cordoned)
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": []})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    MembershipProvider().delete("id", member(api))
    assert f"PATCH {NODE_PATH}" not in api.asked
    assert f"DELETE {NODE_PATH}" in api.asked


@pytest.mark.parametrize("force", ["false", "true"])
def test_the_drain_policy_is_read_from_the_cluster(api: Api, force: str) -> None:
    """The state of a machine that is no longer described knows an older word."""
    shop = PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {DRAIN_PATH}"] = (200, {"data": {"seconds": "0", "force": force}})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    outs = member(api) | {"drain_seconds": 3600, "force": force == "false"}
    if force == "true":
        MembershipProvider().delete("id", outs)
    else:
        api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
        with pytest.raises(OperatorError, match="would break the budget"):
            MembershipProvider().delete("id", outs)
    assert ("web" in shop.left) == (force == "false")


def test_leaving_twice_is_allowed(api: Api) -> None:
    MembershipProvider().delete("id", member(api))
    assert api.asked[2:] == [f"GET {NODE_PATH}", f"DELETE {NODE_PATH}"]


def test_a_live_control_plane_leaves_etcd_after_its_drain(api: Api) -> None:
    etcd = Etcd(api, "cluster1-control-plane-0", "cluster1-control-plane-1", NODE)
    MembershipProvider().delete("id", control_plane(api, etcd))
    steps = [asked for asked in api.asked if asked.startswith(CHANGES)]
    assert steps == [f"PATCH {NODE_PATH}", f"EXEC etcdctl member remove {etcd.id_of(NODE)}",
                     f"DELETE {NODE_PATH}"]  # fmt: skip


def test_a_dead_control_plane_leaves_etcd_first(api: Api) -> None:
    etcd = Etcd(api, "cluster1-control-plane-0", "cluster1-control-plane-1", NODE, dead={NODE})
    MembershipProvider().delete("id", control_plane(api, etcd))
    steps = [asked for asked in api.asked if asked.startswith(CHANGES)]
    assert steps == [f"EXEC etcdctl member remove {etcd.id_of(NODE)}", f"PATCH {NODE_PATH}",
                     f"DELETE {NODE_PATH}"]  # fmt: skip


def test_a_control_plane_whose_etcd_and_kubelet_are_silent_is_not_waited_for(api: Api) -> None:
    """Its Node is still reported Ready."""
    etcd = Etcd(api, "cluster1-control-plane-0", "cluster1-control-plane-1", NODE, dead={NODE})
    leaving = control_plane(api, etcd) | {"drain_seconds": 60}
    pods = PodFixture(api, "web", held={"web": -1})
    api.answers[f"GET {PING_PATH}"] = (503, {"message": "dial tcp: no route to host"})
    MembershipProvider().delete("id", leaving)
    assert list(pods.left) == ["web"]
    assert f"DELETE {NODE_PATH}" in api.asked


def test_nothing_changes_if_etcd_would_lose_its_majority(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.providers.membership.ETCD_SECONDS", 0)
    other = "cluster1-control-plane-0"
    etcd = Etcd(api, other, "cluster1-control-plane-1", NODE, dead={other})
    with pytest.raises(OperatorError, match=rf"unhealthy: {other}"):
        MembershipProvider().delete("id", control_plane(api, etcd))
    assert not [asked for asked in api.asked if asked.startswith(("PATCH", "DELETE"))]
    assert NODE in etcd.members


def control_plane(api: Api, etcd: Etcd) -> dict[str, Any]:
    """A control plane whose Node has no pods of others any more."""
    api.answers[f"GET {NODE_PATH}"] = api.answers[f"PATCH {NODE_PATH}"] = (200, node("True"))
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": []})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    peers = [name for name in etcd.members if name != NODE]
    return props(api, role="control-plane", peers=peers, address="192.0.2.13")
