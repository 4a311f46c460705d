"""Registrations in tools: settings, refusals, and Secrets as the tools read them."""

import base64
import json
from typing import Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from model.config.errors import ConfigError
from model.fleet import Fleet
from model.hand_off import Registered, Registration
from model.load import load
from model.render import hand_off
from model.render.objects import dump
from tests import hostile
from tests.model.examples import CONTAINER, changed
from tests.model.refusals import Case, check_refused, problems

ARGOCD = {"cluster": "cluster1", "role": "cluster-admin"}
PEM = "-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n"
TOKEN = "a.b.c"


class Exact(BaseModel):
    """Nothing but these keys, and no other types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TlsClientConfig(Exact):
    """What Argo CD takes for TLS.

    https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
    """

    insecure: bool
    ca_data: str = Field(alias="caData")
    server_name: str = Field("", alias="serverName")
    cert_data: str = Field("", alias="certData")
    key_data: str = Field("", alias="keyData")


class ClusterConfig(Exact):
    """The JSON document below `config`: https://pkg.go.dev/github.com/argoproj/argo-cd."""

    tls_client_config: TlsClientConfig = Field(alias="tlsClientConfig")
    bearer_token: str = Field("", alias="bearerToken")


class ArgoCdData(Exact):
    """The keys of a cluster's Secret that have a meaning; all are texts."""

    name: str = Field(min_length=1)
    server: str = Field(pattern="^https://")
    config: str
    namespaces: str = ""
    cluster_resources: str = Field("", alias="clusterResources")
    project: str = ""
    shard: str = ""


class FluxData(Exact):
    """https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters."""

    value: str


class Metadata(Exact):
    name: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=253)
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class Secret(Exact):
    """https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/."""

    api_version: Literal["v1"] = Field(alias="apiVersion")
    kind: Literal["Secret"]
    metadata: Metadata
    type: Literal["Opaque"]
    data: dict[str, str]

    def texts(self) -> dict[str, str]:
        return {
            key: base64.b64decode(value, validate=True).decode() for key, value in self.data.items()
        }


def registered(tool: str, **changes: Any) -> Registered:
    found: Registered = {
        "tool": tool,
        "cluster": "tokyo",
        "namespace": "tools",
        "server": "https://10.0.0.1:6443",
        "authority": f"{PEM}{PEM.replace('old', 'new')}",
        "labels": {"region": "tokyo"},
        "annotations": {},
    }
    return {**found, **changes}  # type: ignore[typeddict-item]


def made(*changes: tuple[str, Any]) -> Fleet:
    return load(changed(CONTAINER, *changes))


def test_no_cluster_is_registered_by_default() -> None:
    assert [cluster.registrations for cluster in load(CONTAINER).clusters] == [(), ()]


def test_every_cluster_is_registered_in_the_tool_of_the_fleet_its_own_included() -> None:
    expected = Registration("argocd", "cluster1", "argocd", "cluster-admin", 365 * 86400)
    fleet = made(("handOff", {"argocd": ARGOCD}))
    assert [cluster.registrations for cluster in fleet.clusters] == [(expected,), (expected,)]


def test_a_cluster_has_settings_of_its_own_and_can_stay_out() -> None:
    flux = {"cluster": "cluster1", "role": "edit", "annotations": {"team": "a"}}
    first, second = made(
        ("handOff", {"argocd": ARGOCD, "flux": flux}),
        ("clusters/cluster1/handOff", {"argocd": {"enabled": False}}),
        ("clusters/cluster2/handOff", {"argocd": {"role": "view", "lifetime": "1h"},
                                       "flux": {"annotations": {"tier": "1"}}}),
    ).clusters  # fmt: skip
    assert [each.tool for each in first.registrations] == ["flux"]
    argocd, flux_there = second.registrations
    assert (argocd.role, argocd.lifetime_seconds) == ("view", 3600)
    assert flux_there.annotations == {"team": "a", "tier": "1"}


def test_the_tools_of_a_fleet_of_one_cluster_run_in_it() -> None:
    one = changed(CONTAINER, ("handOff", {"argocd": ARGOCD}))
    del one["clusters"]["cluster2"]
    (cluster,) = load(one).clusters
    assert cluster.registrations[0].cluster == cluster.name == "cluster1"


def handing(**keys: Any) -> list[tuple[str, Any]]:
    return [("handOff", {"argocd": {**ARGOCD, **keys}})]


CASES: list[Case] = [
    (handing(cluster="gone"), "handOff.argocd.cluster", "unknown cluster"),
    (handing(role=None), "handOff.argocd.role", "no default"),
    (handing(role="a/b"), "handOff.argocd.role", "not a name of a ClusterRole"),
    (handing(role="a?b"), "handOff.argocd.role", "not a name of a ClusterRole"),
    (handing(lifetime="59m"), "handOff.argocd.lifetime", "shorter than 1 hour"),
    (handing(lifetime="3651d"), "handOff.argocd.lifetime", "longer than 3650 days"),
    (handing(namespace="Argo"), "handOff.argocd.namespace", "not a namespace"),
    (handing(annotations={"a b": "c"}), 'handOff.argocd.annotations["a b"]', "not an annotation"),
    (handing(annotations={"a": "b" * 4097}), "handOff.argocd.annotations.a", "longer than 4096"),
    (
        handing(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
        'handOff.argocd.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
        "not a user's",
    ),
    (
        [
            *handing(),
            ("clusters/cluster2/labels", {"argocd.argoproj.io/secret-type": "repository"}),
        ],
        'clusters.cluster2.labels["argocd.argoproj.io/secret-type"]',
        "the label by which Argo CD knows",
    ),
    (
        [("clusters/cluster2/handOff", {"flux": {"cluster": "cluster1"}})],
        "clusters.cluster2.handOff.flux.role",
        "no default",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]}: {case[2]}")
def test_refused(case: Case) -> None:
    check_refused(CONTAINER, case)


def test_a_removed_management_cluster_is_named_once_with_what_is_allowed() -> None:
    config = changed(CONTAINER, ("handOff", {"argocd": {**ARGOCD, "cluster": "cluster2"}}))
    del config["clusters"]["cluster2"]
    (problem,) = problems(config)
    assert problem.allowed == "one of cluster1"


def test_hostile_texts_are_refused_or_arrive_as_they_are() -> None:
    texts = [*hostile.COMMANDS, *hostile.ENDS, *hostile.ODD]
    for text in texts:
        for key in ("cluster", "namespace", "role", "lifetime"):
            with pytest.raises(ConfigError):
                made(*handing(**{key: text}))
        with pytest.raises(ConfigError):
            made(*handing(annotations={text: "a"}))
    kept = {f"a{number}": text for number, text in enumerate(texts) if len(text) <= 4096}
    (argocd,) = made(*handing(annotations=kept)).clusters[0].registrations
    secret = hand_off.secret(registered("argocd", annotations=argocd.annotations), TOKEN)
    assert yaml.safe_load(dump([secret]))["metadata"]["annotations"] == kept


def test_argo_cd_gets_what_its_schema_says() -> None:
    found = hand_off.secret(registered("argocd", annotations={"team": "payments"}), TOKEN)
    secret = Secret.model_validate(found)
    assert (secret.metadata.namespace, secret.metadata.name) == ("tools", "cluster-tokyo")
    assert secret.metadata.labels == {
        "region": "tokyo",
        "argocd.argoproj.io/secret-type": "cluster",
        "app.kubernetes.io/managed-by": "kubeadm-fleet",
    }
    assert secret.metadata.annotations == {"team": "payments"}
    data = ArgoCdData.model_validate(secret.texts())
    assert (data.name, data.server) == ("tokyo", "https://10.0.0.1:6443")
    config = ClusterConfig.model_validate(json.loads(data.config))
    assert config.bearer_token == TOKEN
    assert not config.tls_client_config.insecure
    trusted = base64.b64decode(config.tls_client_config.ca_data, validate=True).decode()
    assert trusted.count("BEGIN CERTIFICATE") == 2, "both CAs of a rotation"


def test_flux_gets_a_kubeconfig_that_needs_nothing_else() -> None:
    secret = Secret.model_validate(hand_off.secret(registered("flux"), TOKEN))
    assert secret.metadata.name == "tokyo-kubeconfig"
    assert "argocd.argoproj.io/secret-type" not in secret.metadata.labels
    document = yaml.safe_load(FluxData.model_validate(secret.texts()).value)
    assert document["current-context"] == "tokyo"
    assert document["users"] == [{"name": "tokyo", "user": {"token": TOKEN}}]
    (cluster,) = document["clusters"]
    assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}


def test_the_labels_of_a_cluster_do_not_replace_those_that_the_secret_needs() -> None:
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    found = hand_off.secret(registered("argocd", labels=labels), TOKEN)
    assert found["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"


def test_an_account_is_bound_to_its_role_alone() -> None:
    registration = Registration("flux", "cluster1", "flux-system", "edit", 3600)
    account, binding = yaml.safe_load_all(hand_off.account(registration))
    assert account["metadata"] == {"name": "kubeadm-fleet-flux", "namespace": "kube-system"}
    assert account["automountServiceAccountToken"] is False
    assert binding["roleRef"]["name"] == "edit"
    assert binding["metadata"]["name"] == "kubeadm-fleet-flux:edit"
    (subject,) = binding["subjects"]
    assert subject == {"kind": "ServiceAccount", **account["metadata"]}
