"""The right to join: for whom it is, when it is issued again, and how a member leaves."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography import x509

from components.resources.membership import MembershipProvider
from components.resources.provider import OperatorError
from tests.resources.api_server import Api

NODE = "cluster1-worker-0"
NODE_PATH = f"/api/v1/nodes/{NODE}"
PODS_PATH = "/api/v1/pods"


def props(api: Api, **changes: Any) -> dict[str, Any]:
    return {
        "cluster": "cluster1",
        "server": "https://192.0.2.1:6443",
        "node": NODE,
        "machine_id": "first",
        "authority_certificate": api.authority.cert_pem,
        "authority_key": api.authority.key_pem,
        "kubeconfig": api.kubeconfig,
        "drain_seconds": 1,
        **changes,
    }


def member(api: Api) -> dict[str, Any]:
    return MembershipProvider().create(props(api)).outs or {}


def expired(outs: dict[str, Any]) -> dict[str, Any]:
    return {**outs, "expires": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}


def node(ready: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready}
    return {"metadata": {"name": NODE}, "status": {"conditions": [condition]}}


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", **metadata}, "spec": {}, "status": {}}


def test_credential_names_the_machine_and_may_only_join(api: Api) -> None:
    outs = member(api)
    document = yaml.safe_load(outs["credential"])
    encoded = document["users"][0]["user"]["client-certificate-data"]
    subject = x509.load_pem_x509_certificate(base64.b64decode(encoded)).subject.rfc4514_string()
    assert f"CN=system:bootstrap:{NODE}" in subject
    assert "O=system:bootstrappers:kubeadm:default-node-token" in subject
    assert document["clusters"][0]["cluster"]["server"] == "https://192.0.2.1:6443"


def test_another_machine_replaces_the_membership_the_old_one_first(api: Api) -> None:
    found = MembershipProvider().diff("id", member(api), props(api, machine_id="second"))
    assert found.replaces == ["machine_id"]
    assert found.delete_before_replace


@pytest.mark.parametrize("change", [{"server": "https://192.0.2.2:6443"}, {"drain_seconds": 2}])
def test_new_access_is_taken_over_in_place(api: Api, change: dict[str, Any]) -> None:
    outs = member(api)
    found = MembershipProvider().diff("id", outs, props(api, **change))
    assert found.changes
    assert not found.replaces
    after = MembershipProvider().update("id", outs, props(api, **change)).outs or {}
    assert after == {**outs, **change}


def test_valid_credential_is_kept_without_asking_anybody(api: Api) -> None:
    assert not MembershipProvider().diff("id", member(api), props(api)).changes
    assert api.asked == []


def test_expired_credential_of_a_member_is_kept(api: Api) -> None:
    api.answers[f"GET {NODE_PATH}"] = (200, node("True"))
    assert not MembershipProvider().diff("id", expired(member(api)), props(api)).changes
    assert api.asked == [f"GET {NODE_PATH}"]


def test_expired_credential_of_a_machine_that_never_joined_is_issued_again(api: Api) -> None:
    outs = expired(member(api))
    assert MembershipProvider().diff("id", outs, props(api)).changes
    after = MembershipProvider().update("id", outs, props(api)).outs or {}
    assert after["credential"] != outs["credential"]
    assert datetime.fromisoformat(after["expires"]) > datetime.now(UTC)


def test_api_that_does_not_answer_is_no_reason_to_issue_again(api: Api) -> None:
    nowhere = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", api.kubeconfig)
    outs = expired({**member(api), "kubeconfig": nowhere})
    assert not MembershipProvider().diff("id", outs, props(api, kubeconfig=nowhere)).changes


def test_leaving_cordons_the_node_and_deletes_it(api: Api) -> None:
    api.answers[f"PATCH {NODE_PATH}"] = (200, node("True"))
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": []})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    MembershipProvider().delete("id", member(api))
    assert api.asked == [f"PATCH {NODE_PATH}", f"GET {PODS_PATH}", f"DELETE {NODE_PATH}"]


def test_leaving_twice_is_fine(api: Api) -> None:
    MembershipProvider().delete("id", member(api))
    assert api.asked == [f"PATCH {NODE_PATH}"]


def test_pods_of_a_dead_node_are_not_waited_for(api: Api) -> None:
    api.answers[f"PATCH {NODE_PATH}"] = (200, node("Unknown"))
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    MembershipProvider().delete("id", member(api))
    assert api.asked == [f"PATCH {NODE_PATH}", f"DELETE {NODE_PATH}"]


def test_daemons_and_static_pods_stay(api: Api) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "proxy", "uid": "1"}
    daemon = pod("proxy", ownerReferences=[owner])
    static = pod("etcd", annotations={"kubernetes.io/config.mirror": "1"})
    api.answers[f"PATCH {NODE_PATH}"] = (200, node("True"))
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": [daemon, static]})
    api.answers[f"DELETE {NODE_PATH}"] = (200, {})
    MembershipProvider().delete("id", member(api))
    assert not [asked for asked in api.asked if "eviction" in asked]


def test_pod_that_may_not_be_evicted_is_named_when_time_is_up(api: Api) -> None:
    refusal = {"kind": "Status", "message": "the budget web-pdb holds it"}
    api.answers[f"PATCH {NODE_PATH}"] = (200, node("True"))
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": [pod("web")]})
    api.answers["POST /api/v1/namespaces/shop/pods/web/eviction"] = (429, refusal)
    with pytest.raises(OperatorError, match=r"shop/web.*web-pdb"):
        MembershipProvider().delete("id", member(api))
    assert f"DELETE {NODE_PATH}" not in api.asked
