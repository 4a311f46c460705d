"""Registrations of aggregated APIs: what signs and verifies, what renews them, what is others'."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from components.providers import aggregated_api as provider
from components.providers.aggregated_api import AggregatedApiProvider
from model.pki import certificates, serving
from model.pki.certificates import KeyPair
from ops.current_run import CurrentRun
from ops.errors import OperatorError
from tests.ops.kube.api_server import Api
from tests.ops.kube.served_object import ServedObject

SECRET = "/api/v1/namespaces/kube-system/secrets/metrics-server-serving"
REGISTRATION = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
HOST = "metrics-server.kube-system.svc"
CA = certificates.new_authority("kubernetes", timedelta(days=3650))
Apis = AggregatedApiProvider()


class Cluster:
    """An API that keeps both objects."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.kept: dict[str, dict[str, Any]] = {}
        kinds = {"/api/v1": ("secrets", "Secret", True)}
        kinds["/apis/apiregistration.k8s.io/v1"] = ("apiservices", "APIService", False)
        for path, (name, kind, namespaced) in kinds.items():
            entry = {"name": name, "kind": kind, "namespaced": namespaced, "verbs": []}
            api.answers[f"GET {path}"] = (200, {"resources": [entry]})
        for path in (SECRET, REGISTRATION):
            ServedObject(api, path, self.kept)

    @property
    def pair(self) -> KeyPair:
        """What its Secret has."""
        data = self.kept[SECRET]["data"]
        return KeyPair(*(base64.b64decode(data[key]).decode() for key in ("tls.crt", "tls.key")))

    @property
    def trusted(self) -> str:
        """What API servers verify with."""
        return base64.b64decode(self.kept[REGISTRATION]["spec"]["caBundle"]).decode()


@pytest.fixture
def cluster(api: Api) -> Cluster:
    return Cluster(api)


def inputs(cluster: Cluster, **changes: Any) -> dict[str, Any]:
    return {
        "identity": cluster.api.identity,
        "init": "first",
        "api": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "namespace": "kube-system",
            "service": "metrics-server",
        },
        "issuer": "one",
        "authorities": CA.cert_pem,
        "valid_seconds": 3 * 3600.0,
        "authority": {"cert_pem": CA.cert_pem, "key_pem": CA.key_pem},
        "chain": "",
        **changes,
    }


@pytest.fixture
def given(cluster: Cluster) -> dict[str, Any]:
    return inputs(cluster)


def checked(news: dict[str, Any]) -> dict[str, Any]:
    return dict(Apis.check({}, news).inputs)


def created(given: dict[str, Any]) -> dict[str, Any]:
    return dict(Apis.create(checked(given)).outs or {})


def is_changed(state: dict[str, Any], news: dict[str, Any]) -> bool:
    return bool(Apis.diff("id", state, checked(news)).changes)


def test_the_certificate_is_for_the_service_alone_and_its_key_in_no_state(
    given: dict[str, Any], cluster: Cluster
) -> None:
    state = created(given)
    pair = cluster.pair
    found = x509.load_pem_x509_certificate(pair.cert_pem.encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [HOST]
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert state["certificate"] == pair.cert_pem
    said = json.dumps(state)
    for secret in (pair.key_pem, CA.key_pem):
        assert secret.splitlines()[1] not in said
    spec = cluster.kept[REGISTRATION]["spec"]
    assert (cluster.trusted, spec["insecureSkipTLSVerify"]) == (CA.cert_pem, False)
    assert not is_changed(state, given)
    assert cluster.kept[SECRET]["type"] == "kubernetes.io/tls"


def test_the_secret_is_there_before_anybody_is_sent_to_its_pods(
    given: dict[str, Any], cluster: Cluster
) -> None:
    created(given)
    patches = [asked for asked in cluster.api.asked if asked.startswith("PATCH")]
    mark = f"PATCH {REGISTRATION}"
    assert patches == [f"PATCH {SECRET}", f"PATCH {REGISTRATION}", mark]


@pytest.mark.parametrize(
    "change",
    [{"issuer": "two"}, {"authorities": "another"}, {"init": "again"}, {"valid_seconds": 7200.0}],
    ids=str,
)
def test_what_changed_is_written_with_another_certificate(
    change: dict[str, Any], given: dict[str, Any], cluster: Cluster
) -> None:
    state = created(given)
    former = cluster.pair
    news = inputs(cluster, **change)
    found = Apis.diff("id", state, checked(news))
    assert (found.changes, found.replaces) == (True, [])
    after = dict(Apis.update("id", state, checked(news)).outs or {})
    assert cluster.pair != former
    assert cluster.trusted == news["authorities"]
    assert not is_changed(after, news)


def test_during_a_rotation_it_shows_the_chain(given: dict[str, Any], cluster: Cluster) -> None:
    successor = certificates.new_authority("kubernetes", timedelta(days=3650))
    chain = certificates.cross_sign(CA, successor.cert_pem)
    created(
        inputs(
            cluster,
            authority={"cert_pem": successor.cert_pem, "key_pem": successor.key_pem},
            chain=chain,
        )
    )
    assert cluster.pair.cert_pem.endswith(chain)
    assert cluster.pair.cert_pem.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(("left", "due"), [(0.4, False), (0.3, True), (-0.1, True)])
def test_a_certificate_is_renewed_in_its_last_third(
    left: float, due: bool, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lifetime = timedelta(hours=3)
    state = created(given)
    begun = (1 - left) * lifetime
    aged = certificates.issue_leaf(
        CA,
        x509.Name([]),
        ExtendedKeyUsageOID.SERVER_AUTH,
        lifetime - begun,
        age=begun + certificates.BACKDATED,
    )
    state["certificate"] = aged.cert_pem
    assert is_changed(state, given) is due
    monkeypatch.setattr(provider, "this_run", lambda: CurrentRun(is_preview=True))
    assert not is_changed(state, given), "it is due by the clock alone"


def test_somebody_else_s_server_is_left_alone(given: dict[str, Any], cluster: Cluster) -> None:
    theirs = {
        "metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
        "spec": {"service": {"namespace": "monitoring", "name": "adapter"}},
    }
    cluster.kept[REGISTRATION] = theirs
    with pytest.raises(OperatorError, match=r"served by monitoring/adapter, .*metricsServer to f"):
        created(given)
    assert cluster.kept == {REGISTRATION: theirs}


def skip(cluster: Cluster) -> None:
    cluster.kept[REGISTRATION]["spec"]["insecureSkipTLSVerify"] = True


def redirect(cluster: Cluster) -> None:
    cluster.kept[REGISTRATION]["spec"]["service"]["name"] = "other"


def trust_others(cluster: Cluster) -> None:
    del cluster.kept[REGISTRATION]["spec"]["caBundle"]


def claim(cluster: Cluster) -> None:
    annotations = cluster.kept[REGISTRATION]["metadata"]["annotations"]
    annotations["kubeadm-fleet/serving-certificate-expires"] = "2099-01-01T00:00:00+00:00"


def exchange(cluster: Cluster) -> None:
    cluster.kept[SECRET]["data"]["tls.key"] = "eA=="


def lose_secret(cluster: Cluster) -> None:
    del cluster.kept[SECRET]


def lose_registration(cluster: Cluster) -> None:
    del cluster.kept[REGISTRATION]


@pytest.mark.parametrize(
    "spoil", [skip, redirect, trust_others, claim, exchange, lose_secret, lose_registration]
)
def test_what_somebody_changed_is_noticed_and_written_again(
    spoil: Any, given: dict[str, Any], cluster: Cluster
) -> None:
    state = created(given)
    assert dict(Apis.read("id", state).outs or {}) == state
    spoil(cluster)
    found = dict(Apis.read("id", state).outs or {})
    assert is_changed(found, given)
    after = dict(Apis.update("id", found, checked(given)).outs or {})
    assert dict(Apis.read("id", after).outs or {}) == after
    assert not is_changed(after, given)


def test_what_others_add_is_no_change(given: dict[str, Any], cluster: Cluster) -> None:
    state = created(given)
    cluster.kept[REGISTRATION]["metadata"]["annotations"]["team"] = "a"
    cluster.kept[REGISTRATION]["status"] = {"conditions": []}
    cluster.kept[REGISTRATION]["spec"].pop("insecureSkipTLSVerify")
    assert dict(Apis.read("id", state).outs or {}) == state


def test_nothing_is_noticed_while_the_api_is_unavailable(
    given: dict[str, Any], cluster: Cluster
) -> None:
    state = created(given)
    cluster.api.answers[f"GET {SECRET}"] = (503, {"kind": "Status"})
    assert dict(Apis.read("id", state).outs or {}) == state


def test_both_are_removed_and_somebody_else_s_registration_is_not(
    given: dict[str, Any], cluster: Cluster
) -> None:
    state = created(given)
    Apis.delete("id", state)
    assert cluster.kept == {}
    Apis.delete("id", state)
    theirs: dict[str, Any] = {"metadata": {"labels": {}}, "spec": {}}
    cluster.kept[REGISTRATION] = theirs
    Apis.delete("id", state)
    assert cluster.kept == {REGISTRATION: theirs}


def test_a_certificate_does_not_outlive_its_ca() -> None:
    short = certificates.new_authority("kubernetes", timedelta(hours=1))
    pair = serving.issue_for(short, HOST, timedelta(days=3))
    assert certificates.expiry(pair.cert_pem) <= certificates.expiry(short.cert_pem)
