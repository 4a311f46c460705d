"""Pods that started before a CA's successor was published in their namespace."""

from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client, trust_holders
from ops.kube.trust_holders import OWN, Holders, Workload
from tests.ops.kube.api_server import Api

PROJECTED = {
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt"}},
        ]
    }
}
BEFORE, PUBLISHED, AFTER = (f"2026-11-26T12:0{minute}:00Z" for minute in range(3))


def pod(name: str, started: str, namespace: str = "default", **changes: Any) -> dict[str, Any]:
    """A running pod; it has the cluster's CAs if it has the volume."""
    owner = {"kind": "ReplicaSet", "name": changes.pop("owner", "web"), "controller": True}
    spec = {"volumes": [PROJECTED]}
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "ownerReferences": [owner],
            **changes.pop("metadata", {}),
        },
        "spec": changes.pop("spec", spec),
        "status": {
            "phase": "Running",
            "containerStatuses": [{"state": {"running": {"startedAt": started}}}],
        },
    }


def roots(namespace: str, *times: str) -> dict[str, Any]:
    fields = [{"time": time, "fieldsV1": {"f:data": {}}} for time in times]
    other = {"time": "2027-01-01T00:00:00Z", "fieldsV1": {"f:metadata": {}}}
    metadata = {"name": "kube-root-ca.crt", "namespace": namespace}
    return {"metadata": {**metadata, "managedFields": [*fields, other]}}


def holders(api: Api, *pods: dict[str, Any]) -> Holders:
    namespaces = ("default", "kube-system", "kube-flannel", "calico-system")
    published = [roots(namespace, PUBLISHED) for namespace in namespaces]
    api.answers["GET /api/v1/configmaps"] = (200, {"items": published})
    api.answers["GET /api/v1/pods"] = (200, {"items": list(pods)})
    return trust_holders.read(client.of(api.kubeconfig))


def test_pods_that_started_before_are_named(api: Api) -> None:
    found = holders(api, pod("old", BEFORE), pod("new", AFTER))
    assert found == Holders((), ("default/old",))


def test_pods_that_do_not_have_the_cas_or_do_not_run_are_none(api: Api) -> None:
    static = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    gone = {"deletionTimestamp": AFTER}
    found = holders(
        api,
        pod("plain", BEFORE, spec={}),
        pod("static", BEFORE, metadata=static),
        pod("leaving", BEFORE, metadata=gone),
    )
    assert found == Holders((), ())


def test_our_own_are_known_by_their_workloads(api: Api) -> None:
    proxy, flannel, calico, dns, metrics = OWN
    found = holders(
        api,
        pod("kube-proxy-x", BEFORE, "kube-system", owner="kube-proxy"),
        pod("coredns-5b-x", BEFORE, "kube-system", owner="coredns-5b"),
        pod("metrics-server-7c-x", BEFORE, "kube-system", owner="metrics-server-7c"),
        pod("flannel-x", AFTER, "kube-flannel", owner="flannel"),
        pod("calico-node-x", BEFORE, "calico-system", owner="calico-node"),
        pod("coredns-5b-y", BEFORE, "default", owner="coredns-5b"),
    )
    assert flannel not in found.own
    assert found == Holders((proxy, calico, dns, metrics), ("default/coredns-5b-y",))


@pytest.mark.parametrize(
    ("workload", "status"),
    [
        (OWN[0], {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}),
        (OWN[-1], {"updatedReplicas": 2, "availableReplicas": 2}),
    ],
)
def test_a_restart_waits_until_all_pods_are_replaced(
    api: Api, workload: Workload, status: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(generation: int) -> None:
        found = {
            "metadata": {"generation": 2},
            "spec": {"replicas": 2},
            "status": {**status, "observedGeneration": generation},
        }
        api.answers[f"GET {workload.path}"] = (200, found)

    api.answers[f"PATCH {workload.path}"] = (200, {})
    answer(2)
    trust_holders.restart(client.of(api.kubeconfig), workload).wait()
    sent = api.sent[f"PATCH {workload.path}"]["spec"]["template"]["metadata"]["annotations"]
    assert [*sent] == ["kubectl.kubernetes.io/restartedAt"]
    monkeypatch.setattr(trust_holders, "RESTART_SECONDS", 0)
    monkeypatch.setattr(trust_holders, "POD_SECONDS", 0)
    answer(1)
    restart = trust_holders.restart(client.of(api.kubeconfig), workload)
    with pytest.raises(OperatorError, match=f"{workload.name} has replaced 0 of its 2 pods"):
        restart.wait()


def test_the_pods_of_more_nodes_are_waited_for_longer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload, limits = OWN[0], list[float]()
    status = {"desiredNumberScheduled": 100, "updatedNumberScheduled": 99, "numberAvailable": 100}
    api.answers[f"GET {workload.path}"] = (200, {"metadata": {}, "spec": {}, "status": status})
    monkeypatch.setattr(
        trust_holders, "wait_until", lambda _check, seconds, *_, **__: limits.append(seconds)
    )
    trust_holders.Restart(client.of(api.kubeconfig), workload).wait()
    assert limits == [100 * trust_holders.POD_SECONDS]
