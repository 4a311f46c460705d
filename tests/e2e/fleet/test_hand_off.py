"""Registered clusters: tools get in with what their Secrets say, until they are taken out.

The tools run in cluster1, which is registered too. The tests run in order.
"""

import base64
import json
from collections.abc import Iterator
from http import HTTPStatus
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
import yaml
from kubernetes import client

from model.rotation_phases import FINISH, PHASES, PREPARE
from ops.kube.access import Access
from ops.kube.client import Client
from ops.kube.errors import ApiError
from tests.e2e import metrics
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access
from tests.e2e.pulumi_stack import PulumiStack
from tests.model.test_hand_off import ArgoCdData, ClusterConfig, FluxData
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

CACHED_SECONDS = 20
CLUSTERS = ("cluster1", "cluster2")
HAND_OFF: dict[str, Any] = {
    "argocd": {"cluster": "cluster1", "role": "cluster-admin", "annotations": {"team": "a"}},
    "flux": {"cluster": "cluster1", "role": "view", "lifetime": "1h"},
}
ACCOUNT = ("--namespace", "kube-system", "serviceaccount", "kubeadm-fleet-argocd")
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PODS = "/api/v1/namespaces/kube-system/pods"


@pytest.fixture(scope="module")
def handed_off(fleet: PulumiStack) -> Iterator[PulumiStack]:
    """The fleet, registered in both tools; afterwards it is in none."""
    fleet.config["handOff"] = HAND_OFF
    fleet.up()
    yield fleet
    fleet.config.pop("handOff", None)
    fleet.up()


@pytest.fixture(scope="module")
def tools(kubectl: Kubectl) -> Kubectl:
    """kubectl where the tools run."""
    return kubectl.within("cluster1-admin")


def secrets(tools: Kubectl, namespace: str) -> dict[str, Any]:
    """The Secrets of a tool, by name."""
    found = tools.items("--namespace", namespace, "get", "secrets")
    return {secret["metadata"]["name"]: secret for secret in found}


def texts(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def argocd(tools: Kubectl, cluster: str) -> tuple[ArgoCdData, ClusterConfig]:
    """What Argo CD reads about a cluster."""
    data = ArgoCdData.model_validate(texts(secrets(tools, "argocd")[f"cluster-{cluster}"]))
    return data, ClusterConfig.model_validate(json.loads(data.config))


def flux(tools: Kubectl, cluster: str) -> str:
    """The kubeconfig that Flux reads."""
    found = texts(secrets(tools, "flux-system")[f"{cluster}-kubeconfig"])
    return FluxData.model_validate(found).value


def nodes_as_argocd(data: ArgoCdData, config: ClusterConfig) -> list[str]:
    """The Nodes that a client sees that has nothing but the Secret."""
    with NamedTemporaryFile() as authority:
        authority.write(base64.b64decode(config.tls_client_config.ca_data))
        authority.flush()
        settings = client.Configuration(
            host=data.server, api_key={"authorization": f"Bearer {config.bearer_token}"}
        )
        settings.ssl_ca_cert = authority.name
        with client.ApiClient(settings) as api:
            found = client.CoreV1Api(api).list_node(_request_timeout=10)
    return sorted(str(node.metadata.name) for node in found.items if node.metadata)


def is_accepted(data: ArgoCdData, config: ClusterConfig) -> bool:
    try:
        return bool(nodes_as_argocd(data, config))
    except client.ApiException as error:
        assert error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        # Without its binding, it is still known until the API server looks again.
        return bool(error.status == HTTPStatus.FORBIDDEN)


def is_refused(data: ArgoCdData, config: ClusterConfig) -> bool:
    """Whether the API refuses it soon: API servers keep accepted tokens for ten seconds."""
    await_true(lambda: not is_accepted(data, config), "a refusal", CACHED_SECONDS)
    return True


def status(kubeconfig: str, path: str) -> int:
    try:
        Client(Access.of(kubeconfig)).get(path)
    except ApiError as error:
        assert error.status is not None, error
        return error.status
    return HTTPStatus.OK


def test_argo_cd_reaches_every_cluster_with_what_the_secrets_say(
    handed_off: PulumiStack, tools: Kubectl
) -> None:
    assert set(secrets(tools, "argocd")) == {f"cluster-{cluster}" for cluster in CLUSTERS}
    for cluster, region in zip(CLUSTERS, ("tokyo", "osaka"), strict=True):
        machines = [f"{cluster}-control-plane-0", f"{cluster}-worker-0"]
        assert nodes_as_argocd(*argocd(tools, cluster)) == machines
        metadata = secrets(tools, "argocd")[f"cluster-{cluster}"]["metadata"]
        assert metadata["labels"]["region"] == region
        assert metadata["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
        assert metadata["annotations"] == {"team": "a"}


def test_flux_may_do_what_its_role_says_and_no_more(
    handed_off: PulumiStack, tools: Kubectl
) -> None:
    assert set(secrets(tools, "flux-system")) == {f"{cluster}-kubeconfig" for cluster in CLUSTERS}
    for cluster in CLUSTERS:
        kubeconfig = flux(tools, cluster)
        assert yaml.safe_load(kubeconfig)["current-context"] == cluster
        assert status(kubeconfig, PODS) == HTTPStatus.OK
        assert status(kubeconfig, SECRETS) == HTTPStatus.FORBIDDEN


def test_nothing_more_is_to_be_done_and_no_token_is_in_the_state(
    handed_off: PulumiStack, tools: Kubectl
) -> None:
    assert (run := handed_off.preview()).changes == {}, run.output
    found = handed_off.output("registrations")
    assert {cluster: set(tools) for cluster, tools in found.items()} == {
        cluster: set(HAND_OFF) for cluster in CLUSTERS
    }
    export = handed_off.succeed("stack", "export", "--show-secrets").output
    for cluster in CLUSTERS:
        assert argocd(tools, cluster)[1].bearer_token not in export
        token = yaml.safe_load(flux(tools, cluster))["users"][0]["user"]["token"]
        assert token not in export


def test_a_secret_and_an_account_that_somebody_deleted_are_made_again(
    handed_off: PulumiStack, tools: Kubectl, kubectl: Kubectl
) -> None:
    tools("--namespace", "argocd", "delete", "secret", "cluster-cluster1")
    former = argocd(tools, "cluster2")
    kubectl.within("cluster2-admin")(*("delete", *ACCOUNT))
    assert is_refused(*former), "a token ends with its account"
    handed_off.refresh()
    changed = handed_off.up().steps("create", "update", "replace", "delete")
    assert set(changed) == {"cluster2-argocd-account", "cluster1-argocd", "cluster2-argocd"}
    for cluster in CLUSTERS:
        assert is_accepted(*argocd(tools, cluster))
    assert is_refused(*former)


@pytest.mark.long
def test_a_rotation_of_ca_and_key_leaves_the_tools_connected(
    handed_off: PulumiStack, tools: Kubectl
) -> None:
    before = argocd(tools, "cluster2")
    for phase in PHASES:
        handed_off.config["clusters"]["cluster2"]["rotations"] = {
            **{"ca": phase, "serviceAccount": phase},
            **{"immediate": "ca", "acknowledge": "the test restarts nothing"},
        }
        changed = handed_off.up().steps("create", "update", "replace", "delete")
        assert not [name for name in changed if name.startswith("cluster1")]
        data, config = argocd(tools, "cluster2")
        assert is_accepted(data, config)
        assert status(flux(tools, "cluster2"), PODS) == HTTPStatus.OK
        there = access(handed_off).within("cluster2-admin")
        metrics.await_nodes(there, {f"cluster2-{name}-0" for name in ("control-plane", "worker")})
        trusted = base64.b64decode(config.tls_client_config.ca_data)
        assert trusted.count(b"BEGIN CERTIFICATE") == (1 if phase == FINISH else 2)
        if phase == PREPARE:
            assert is_accepted(*before), "the former Secret is good while both are trusted"
    # With the CA of today, but with the token of then.
    assert is_refused(data, config.model_copy(update={"bearer_token": before[1].bearer_token}))
    del handed_off.config["clusters"]["cluster2"]["rotations"]
    assert (run := handed_off.preview()).changes == {}, run.output
    access(handed_off)  # for the tests after this one: the file has the CA of today


def test_a_cluster_that_is_taken_out_is_gone_there_and_its_credential_is_refused(
    handed_off: PulumiStack, tools: Kubectl, kubectl: Kubectl
) -> None:
    former, kubeconfig = argocd(tools, "cluster2"), flux(tools, "cluster2")
    kept = argocd(tools, "cluster1")
    handed_off.config["clusters"]["cluster2"]["handOff"] = {
        tool: {"enabled": False} for tool in HAND_OFF
    }
    changed = handed_off.up().steps("create", "update", "replace", "delete")
    assert {name for name in changed if not name.startswith("cluster2-")} == set()
    assert set(secrets(tools, "argocd")) == {"cluster-cluster1"}
    assert set(secrets(tools, "flux-system")) == {"cluster1-kubeconfig"}
    assert is_refused(*former)
    await_true(
        lambda: status(kubeconfig, PODS) == HTTPStatus.UNAUTHORIZED, "a refusal", CACHED_SECONDS
    )
    assert is_accepted(*kept)
    there = kubectl.within("cluster2-admin")
    assert "kubeadm-fleet-argocd" not in there("get", "clusterrolebindings", "--output", "name")
    del handed_off.config["clusters"]["cluster2"]["handOff"]


def test_without_tools_nothing_of_them_is_left_but_their_namespaces(
    handed_off: PulumiStack, tools: Kubectl, kubectl: Kubectl
) -> None:
    former = argocd(tools, "cluster1")
    del handed_off.config["handOff"]
    handed_off.up()
    assert is_refused(*former)
    for namespace in ("argocd", "flux-system"):
        assert secrets(tools, namespace) == {}
    for cluster in CLUSTERS:
        accounts = kubectl.within(f"{cluster}-admin").items(
            "--namespace", "kube-system", "get", "serviceaccounts"
        )
        assert not [one for one in accounts if "kubeadm-fleet" in one["metadata"]["name"]]
    assert (run := handed_off.preview()).changes == {}, run.output
