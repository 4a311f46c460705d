"""Registrations: the token, the Secret, what renews them, and APIs that do not answer."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from components.providers import hand_off as provider
from components.providers.hand_off import HandOffProvider
from ops.current_run import CurrentRun
from ops.errors import OperatorError
from ops.kube import identity
from ops.kube.identity import Identity
from tests.ops.kube.api_server import Api, serving

SECRET = "/api/v1/namespaces/argocd/secrets/cluster-osaka"
NAMESPACE = "/api/v1/namespaces/argocd"
TOKEN = "/api/v1/namespaces/kube-system/serviceaccounts/kubeadm-fleet-argocd/token"
OWN = {"app.kubernetes.io/managed-by": "kubeadm-fleet"}
HandedOff = HandOffProvider()


class Cluster:
    """The API of a registered cluster, which issues tokens and counts them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.key = "first"
        self.valid = timedelta(hours=3)
        self.issued = 0
        api.answers[f"POST {TOKEN}"] = self._issue

    def _issue(self) -> tuple[int, dict[str, Any]]:
        self.issued += 1
        header = base64.urlsafe_b64encode(json.dumps({"kid": self.key}).encode()).decode()
        until = datetime.now(UTC) + self.valid
        status = {
            "token": f"{header}.{self.issued}.signature",
            "expirationTimestamp": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        }
        return 201, {"kind": "TokenRequest", "status": status}


class Tool:
    """The API where the tool runs; it keeps the Secret."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.secret: dict[str, Any] | None = None
        resources = [
            {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": []}
            for name, kind, namespaced in (
                ("secrets", "Secret", True),
                ("namespaces", "Namespace", False),
            )
        ]
        api.answers |= {
            "GET /api/v1": (200, {"kind": "APIResourceList", "resources": resources}),
            f"GET {SECRET}": lambda: (200, self.secret) if self.secret else (404, {}),
            f"PATCH {SECRET}": self._keep,
            f"DELETE {SECRET}": self._drop,
            f"GET {NAMESPACE}": (200, {"kind": "Namespace", "metadata": {}}),
            f"PATCH {NAMESPACE}": (201, {"kind": "Namespace", "metadata": {}}),
        }

    @property
    def identity(self) -> Identity:
        """The program's identity there, in another file than that of the registered cluster."""
        (entry,) = yaml.safe_load(self.api.kubeconfig)["clusters"]
        reference: Identity = {
            "stack": "test",
            "cluster": entry["name"],
            "server": entry["cluster"]["server"],
            "authority": "fedcba9876543210",
        }
        identity.save(reference, self.api.kubeconfig)
        return reference

    def _keep(self) -> tuple[int, dict[str, Any]]:
        self.secret = self.api.sent[f"PATCH {SECRET}"]
        return 200, {"kind": "Secret", "metadata": {}}

    def _drop(self) -> tuple[int, dict[str, Any]]:
        self.secret = None
        return 200, {"kind": "Status"}

    @property
    def token(self) -> str:
        """The token that the tool would use."""
        assert self.secret
        config = json.loads(base64.b64decode(self.secret["data"]["config"]))
        return str(config["bearerToken"])


@pytest.fixture
def cluster(api: Api) -> Cluster:
    return Cluster(api)


@pytest.fixture
def tool() -> Iterator[Tool]:
    with serving() as api:
        yield Tool(api)


def inputs(cluster: Cluster, tool: Tool, **changes: Any) -> dict[str, Any]:
    registered = {
        "tool": "argocd",
        "cluster": "osaka",
        "namespace": "argocd",
        "server": "https://10.0.0.1:6443",
        "authority": "the CA",
        "labels": {"region": "osaka"},
        "annotations": {},
        **changes.pop("registered", {}),
    }
    return {
        "urn": "",
        "identity": cluster.api.identity,
        "target": tool.identity,
        "target_init": "first",
        "account": "kubeadm-fleet-argocd",
        "account_changed": "",
        "registered": registered,
        "lifetime_seconds": 10800,
        "signer": "first",
        **changes,
    }


@pytest.fixture
def given(cluster: Cluster, tool: Tool) -> dict[str, Any]:
    return inputs(cluster, tool)


def created(given: dict[str, Any]) -> dict[str, Any]:
    return dict(HandedOff.create(given).outs or {})


def is_changed(state: dict[str, Any], news: dict[str, Any]) -> bool:
    return bool(HandedOff.diff("id", state, news).changes)


def test_the_secret_has_a_token_of_the_registered_cluster_and_the_state_has_none(
    given: dict[str, Any], cluster: Cluster, tool: Tool
) -> None:
    state = created(given)
    assert tool.token.endswith(".1.signature")
    assert cluster.api.sent[f"POST {TOKEN}"]["spec"] == {"expirationSeconds": 10800}
    assert tool.token not in json.dumps(state)
    assert state["key"] == "first"
    assert not is_changed(state, given)
    assert f"PATCH {NAMESPACE}" not in tool.api.asked, "an existing namespace is left alone"


def test_a_missing_namespace_is_created(given: dict[str, Any], tool: Tool) -> None:
    del tool.api.answers[f"GET {NAMESPACE}"]
    created(given)
    patches = [asked for asked in tool.api.asked if asked.startswith("PATCH")]
    assert patches == [f"PATCH {NAMESPACE}", f"PATCH {SECRET}"]


@pytest.mark.parametrize(
    "change",
    [
        {"signer": "second"},
        {"account_changed": "2026-11-27T00:00:00+00:00"},
        {"target_init": "again"},
        {"lifetime_seconds": 7200},
        {"registered": {"authority": "the CA\nthe other CA"}},
        {"registered": {"labels": {"region": "tokyo"}}},
        {"registered": {"annotations": {"team": "a"}}},
        {"registered": {"server": "https://10.0.0.2:6443"}},
    ],
    ids=str,
)
def test_what_changed_is_written_with_another_token(
    change: dict[str, Any], given: dict[str, Any], cluster: Cluster, tool: Tool
) -> None:
    state = created(given)
    cluster.key = change.get("signer", "first")
    news = inputs(cluster, tool, **change)
    found = HandedOff.diff("id", state, news)
    assert found.changes
    assert not found.replaces
    after = dict(HandedOff.update("id", state, news).outs or {})
    assert tool.token.endswith(".2.signature")
    assert not is_changed(after, news)


def test_a_token_that_a_former_key_still_signed_is_renewed_by_the_next_run(
    given: dict[str, Any], cluster: Cluster, tool: Tool
) -> None:
    news = inputs(cluster, tool, signer="second")
    after = dict(HandedOff.update("id", created(given), news).outs or {})
    assert after["key"] == "first"
    assert is_changed(after, news)


@pytest.mark.parametrize(("left", "due"), [(0.4, False), (0.3, True), (-0.1, True)])
def test_a_token_is_renewed_in_its_last_third(
    left: float, due: bool, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = created(given)
    lifetime = timedelta(hours=3)
    until = datetime.now(UTC) + left * lifetime
    state |= {"issued": (until - lifetime).isoformat(), "expires": until.isoformat()}
    assert is_changed(state, given) is due
    monkeypatch.setattr(provider, "this_run", lambda: CurrentRun(is_preview=True))
    assert not is_changed(state, given), "it is due by the clock alone"


def test_a_shorter_lifetime_than_requested_is_what_counts(
    given: dict[str, Any], cluster: Cluster
) -> None:
    """API servers may limit the lifetime of tokens."""
    cluster.valid = timedelta(hours=1)
    expires = datetime.fromisoformat(created(given)["expires"])
    assert expires < datetime.now(UTC) + timedelta(hours=1, minutes=1)


@pytest.mark.parametrize("registered", [{"namespace": "tools"}, {"cluster": "nagoya"}], ids=str)
def test_another_place_is_another_registration(
    registered: dict[str, Any], given: dict[str, Any], cluster: Cluster, tool: Tool
) -> None:
    found = HandedOff.diff("id", created(given), inputs(cluster, tool, registered=registered))
    assert found.replaces == ["registered"]


def test_another_tool_s_cluster_is_another_registration(given: dict[str, Any]) -> None:
    target = {**given["target"], "cluster": "nagoya"}
    found = HandedOff.diff("id", created(given), {**given, "target": target})
    assert found.replaces == ["target"]


def test_another_endpoint_of_the_tool_s_cluster_is_the_same_registration(
    given: dict[str, Any],
) -> None:
    target = {**given["target"], "server": "https://10.0.0.9:6443"}
    found = HandedOff.diff("id", created(given), {**given, "target": target})
    assert found.changes
    assert not found.replaces


def test_somebody_else_s_secret_is_left_alone(given: dict[str, Any], tool: Tool) -> None:
    tool.secret = {"metadata": {"labels": {"argocd.argoproj.io/secret-type": "cluster"}}}
    with pytest.raises(OperatorError, match=r"argocd/cluster-osaka .* is not this program's"):
        created(given)
    assert f"PATCH {SECRET}" not in tool.api.asked


def spoil_data(secret: dict[str, Any]) -> None:
    secret["data"]["config"] = base64.b64encode(b"{}").decode()


def spoil_label(secret: dict[str, Any]) -> None:
    del secret["metadata"]["labels"]["region"]


@pytest.mark.parametrize("spoil", [spoil_data, spoil_label])
def test_an_edit_is_found_and_repaired(spoil: Any, given: dict[str, Any], tool: Tool) -> None:
    state = created(given)
    assert tool.secret
    spoil(tool.secret)
    read = dict(HandedOff.read("id", state).outs or {})
    assert is_changed(read, given)
    after = dict(HandedOff.update("id", read, given).outs or {})
    assert not is_changed(after, given)


def test_a_missing_secret_is_found_and_what_others_add_is_not(
    given: dict[str, Any], tool: Tool
) -> None:
    state = created(given)
    assert tool.secret
    tool.secret["metadata"]["annotations"] = {"argocd.argoproj.io/refresh": "hard"}
    assert HandedOff.read("id", state).outs == state
    tool.secret = None
    read = dict(HandedOff.read("id", state).outs or {})
    assert is_changed(read, given)


def test_an_unavailable_api_of_the_tool_says_nothing_and_holds_no_removal_up(
    given: dict[str, Any], tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(provider, "warn", lambda text, _urn: said.append(text))
    state = created(given)
    for verb in ("GET", "DELETE"):
        tool.api.answers[f"{verb} {SECRET}"] = (503, {"message": "etcd has no leader"})
    assert HandedOff.read("id", state).outs == state
    HandedOff.delete("id", state)
    (text,) = said
    assert "osaka is still registered in argocd" in text
    assert "--namespace argocd delete secret cluster-osaka" in text


def test_the_secret_is_removed_once(given: dict[str, Any], tool: Tool) -> None:
    state = created(given)
    HandedOff.delete("id", state)
    assert tool.secret is None
    HandedOff.delete("id", state)


def test_a_secret_that_is_somebody_else_s_by_now_is_not_removed(
    given: dict[str, Any], tool: Tool
) -> None:
    state = created(given)
    tool.secret = {"metadata": {"labels": {}}}
    HandedOff.delete("id", state)
    assert tool.secret is not None


def test_a_refusal_is_an_error_with_its_reason(given: dict[str, Any], cluster: Cluster) -> None:
    cluster.api.answers[f"POST {TOKEN}"] = (404, {"message": "no such account"})
    with pytest.raises(OperatorError, match=r"requesting a token .* no such account"):
        created(given)
