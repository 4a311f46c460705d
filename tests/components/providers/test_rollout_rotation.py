"""What a rollout requires before the end of a rotation, asked of a real API."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.providers import rollout_rotation
from model.rotation_phases import FINISH, PREPARE, SWITCH
from ops import interruption
from ops.errors import OperatorError
from ops.interruption import Interrupted
from ops.kube.trust_holders import OWN
from ops.rollout import rotation_guards
from ops.rollout.cluster_change import ClusterChange
from tests.ops.kube.api_server import Api
from tests.ops.kube.test_account_tokens import secret, token
from tests.ops.kube.test_trust_holders import AFTER, BEFORE, PUBLISHED, pod, roots
from tests.ops.rollout.examples import inputs

CONFIG_MAPS, PODS = "GET /api/v1/configmaps", "GET /api/v1/pods"


@pytest.fixture
def cluster(api: Api) -> Api:
    """A cluster with the successor of its CA published, and nobody who does not know it."""
    namespaces = ("default", "kube-system")
    published = [roots(namespace, PUBLISHED) for namespace in namespaces]
    api.answers[CONFIG_MAPS] = (200, {"items": published})
    api.answers[PODS] = (200, {"items": [pod("web-0", AFTER)]})
    return api


def state(api: Api, name: str, phase: str, **changes: Any) -> Any:
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    known = {"rolled": long_ago, "unavailable": {}, **changes}
    return inputs(rotations={name: phase}, identity=api.identity, **known)


def judge(api: Api, name: str, before: str, after: str, **changes: Any) -> list[str]:
    """Judge a phase in the preview and in the run; return what the run says."""
    olds, news = state(api, name, before), state(api, name, after, **changes)
    change, said = ClusterChange.of(olds, news), list[str]()
    rollout_rotation.reject(olds, news, change)
    rollout_rotation.settle(olds, news, change, said.append)
    return said


def test_the_end_needs_nothing_when_all_pods_know_the_successor(cluster: Api) -> None:
    assert judge(cluster, "ca", SWITCH, FINISH) == []


def test_pods_of_others_are_named_in_the_preview(cluster: Api) -> None:
    cluster.answers[PODS] = (200, {"items": [pod("web-0", BEFORE)]})
    olds, news = (state(cluster, "ca", phase) for phase in (SWITCH, FINISH))
    with pytest.raises(OperatorError, match="default/web-0 started before the new CA"):
        rollout_rotation.reject(olds, news, ClusterChange.of(olds, news))
    assert judge(cluster, "ca", SWITCH, FINISH, acknowledged="they read it again") == []


def test_our_own_pods_are_replaced_first(cluster: Api) -> None:
    (dns,) = [each for each in OWN if each.name == "coredns"]
    cluster.answers[PODS] = (
        200,
        {"items": [pod("coredns-5b-x", BEFORE, "kube-system", owner="coredns-5b")]},
    )
    cluster.answers[f"PATCH {dns.path}"] = (200, {})
    status = {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1}
    deployed = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}
    cluster.answers[f"GET {dns.path}"] = (200, deployed)
    said = judge(cluster, "ca", SWITCH, FINISH)
    assert said == [
        "restarting coredns, which does not know the new CA",
        "waiting until the pods of coredns are replaced",
    ]


def test_our_own_pods_are_replaced_while_certificates_are_read(
    cluster: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, pods = OWN[0], [pod("kube-proxy-x", BEFORE, "kube-system", owner="kube-proxy")]
    cluster.answers[PODS] = (200, {"items": pods})
    cluster.answers[f"PATCH {proxy.path}"] = (200, {})
    status = {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}
    deployed = {"metadata": {}, "spec": {}, "status": status}
    cluster.answers[f"GET {proxy.path}"] = (200, deployed)
    monkeypatch.setattr(rotation_guards, "SETTLING", {"ca": timedelta(hours=2, seconds=1)})
    begun, waiting, ended = judge(cluster, "ca", SWITCH, FINISH)
    assert begun == "restarting kube-proxy, which does not know the new CA"
    assert "until every component has read its new certificates" in waiting
    assert ended == "waiting until the pods of kube-proxy are replaced"


def test_tokens_of_the_former_key_are_named(cluster: Api) -> None:
    cluster.answers["GET /api/v1/secrets"] = (200, {"items": [secret("deploy", token("former"))]})
    with pytest.raises(OperatorError, match="tokens in the Secrets ci/deploy"):
        judge(cluster, "service-account", SWITCH, FINISH)
    cluster.answers["GET /api/v1/secrets"] = (200, {"items": [secret("deploy", token("a1"))]})
    assert judge(cluster, "service-account", SWITCH, FINISH) == []


def test_our_own_pods_have_tokens_of_the_new_key_before_the_former_one_is_removed(
    cluster: Api,
) -> None:
    now = datetime.now(UTC)
    proxy, flannel = (each for each in OWN if each.name in ("kube-proxy", "flannel"))
    created = {"kube-proxy": now - timedelta(minutes=1), "flannel": now + timedelta(minutes=1)}
    pods = [
        pod(
            f"{each.name}-x",
            AFTER,
            each.namespace,
            owner=each.name,
            metadata={"creationTimestamp": f"{created[each.name]:%Y-%m-%dT%H:%M:%SZ}"},
        )
        for each in (proxy, flannel)
    ]
    cluster.answers[PODS] = (200, {"items": pods})
    cluster.answers["GET /api/v1/secrets"] = (200, {"items": []})
    cluster.answers[f"PATCH {proxy.path}"] = (200, {})
    status = {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1}
    deployed = {"metadata": {}, "spec": {}, "status": status}
    cluster.answers[f"GET {proxy.path}"] = (200, deployed)
    leaked = {"rolled": now.isoformat(), "immediate": "service-account"}
    olds = state(cluster, "service-account", SWITCH, **leaked)
    news = state(cluster, "service-account", FINISH, **leaked)
    said = list[str]()
    rollout_rotation.settle(olds, news, ClusterChange.of(olds, news), said.append)
    assert said == [
        "restarting kube-proxy, whose token the former key signed",
        "waiting until the pods of kube-proxy are replaced",
    ]
    # An hour later, kubelets have replaced all tokens.
    assert judge(cluster, "service-account", SWITCH, FINISH) == []


def test_other_phases_ask_nobody(api: Api) -> None:
    assert judge(api, "ca", PREPARE, SWITCH) == []
    assert api.asked == []


def test_a_preview_without_an_api_says_nothing(api: Api) -> None:
    olds, news = (state(api, "ca", phase) for phase in (SWITCH, FINISH))
    rollout_rotation.reject(olds, news, ClusterChange.of(olds, news))


def test_the_end_waits_until_certificates_are_read(
    cluster: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling = {"ca": timedelta(hours=2, seconds=2)}
    monkeypatch.setattr(rotation_guards, "SETTLING", settling)
    began = time.monotonic()
    (said,) = judge(cluster, "ca", SWITCH, FINISH)
    assert "until every component has read its new certificates" in said
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("name", ["ca", "front-proxy-ca"])
def test_an_interrupt_ends_the_wait_before_anything_is_changed(
    cluster: Api, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "interrupt"
    monkeypatch.setenv(interruption.VARIABLE, str(file))
    just_now = datetime.now(UTC).isoformat()
    olds, news = (state(cluster, name, phase, rolled=just_now) for phase in (SWITCH, FINISH))
    change = ClusterChange.of(olds, news)
    say: Callable[[str], None] = lambda _: interruption.request(file)  # noqa: E731
    expected = "interrupted: cluster a: no machine was changed, and all still trust the former CA"
    with pytest.raises(Interrupted, match=expected):
        rollout_rotation.settle(olds, news, change, say)
    assert not any(asked.startswith(("PATCH", "PUT", "POST")) for asked in cluster.asked)


def test_an_immediate_end_waits_for_nobody(cluster: Api) -> None:
    """Components were restarted in `switch`, if that was immediate, too."""
    cluster.answers[PODS] = (200, {"items": [pod("web-0", BEFORE)]})
    just_now = datetime.now(UTC).isoformat()
    olds, news = (
        state(cluster, "ca", phase, rolled=just_now, immediate="ca") for phase in (SWITCH, FINISH)
    )
    change, said = ClusterChange.of(olds, news), list[str]()
    rollout_rotation.reject(olds, news, change)
    rollout_rotation.settle(olds, news, change, said.append)
    assert said == []
    assert rotation_guards.seconds_to_settle(change, just_now) > 0
    news["immediate"] = "etcd-ca"
    with pytest.raises(OperatorError, match="default/web-0 started before"):
        rollout_rotation.reject(olds, news, change)
    cluster.answers["GET /api/v1/secrets"] = (200, {"items": [secret("deploy", token("former"))]})
    leaked = {"rolled": just_now, "immediate": "service-account"}
    assert judge(cluster, "service-account", SWITCH, FINISH, **leaked) == []


def test_an_end_that_is_immediate_after_a_switch_that_was_not_waits_for_components(
    cluster: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation_guards, "SETTLING", {"ca": timedelta(hours=2, seconds=2)})
    (said,) = judge(cluster, "ca", SWITCH, FINISH, immediate="ca")
    assert said.startswith("waiting ")
