"""The key that encrypts Secrets: one a cluster, on control planes alone, never in plain text."""

import base64
from typing import Any

import pytest
import yaml

from model import api_server_secrets
from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run

WEBHOOK = """\
apiVersion: v1
kind: Config
current-context: audit
contexts: [{name: audit, context: {cluster: audit, user: audit}}]
clusters: [{name: audit, cluster: {server: "https://audit.example.com"}}]
users: [{name: audit, user: {token: the-token}}]
"""
INIT = "cluster1-init"


def files(table: str) -> dict[str, str]:
    rows = (line.split("\t") for line in table.splitlines())
    return {name: base64.b64decode(content).decode() for name, content in rows}


def providers(table: str) -> list[Any]:
    (resource,) = yaml.safe_load(files(table)["encryption.yaml"])["resources"]
    return list(resource["providers"])


def table_of(graph: Graph, step: str = INIT) -> str:
    return str(graph.one(step).given["settings"]["API_SERVER_SECRETS"])


def with_security(before: Graph | None = None, **security: Any) -> Graph:
    config = {**stack_config("dev"), "security": security}
    return run(config, before, secrets={"auditWebhook": WEBHOOK})


def test_control_planes_get_it_when_they_join_and_workers_never(dev: Graph) -> None:
    for cluster in ("cluster1", "cluster2"):
        steps = (f"{cluster}-init", f"{cluster}-control-plane-0-join")
        first, second = (table_of(dev, step) for step in steps)
        assert first == second == dev.one(f"{cluster}-rollout").given["api_server_secrets"]
        (key,) = providers(first)[0]["secretbox"]["keys"]
        assert len(base64.b64decode(key["secret"])) == 32
        writer = dev.one(f"{cluster}-init").given["settings"]["ENCRYPTION_WRITER"]
        assert (
            writer == f"secretbox {key['name']}" == dev.one(f"{cluster}-rollout").inputs["writer"]
        )
        assert "API_SERVER_SECRETS" not in dev.one(f"{cluster}-worker-0-join").given["settings"]
    assert table_of(dev) != table_of(dev, "cluster2-init"), "each cluster has a key of its own"


def test_it_is_a_secret_and_in_one_resource_of_the_state(dev: Graph) -> None:
    (key,) = providers(table_of(dev))[0]["secretbox"]["keys"]
    holder = dev.one("cluster1-encryption")
    assert "keys" in holder.secret_outputs
    assert holder.outputs["keys"] == [key]
    for each in dev:
        assert key["secret"] not in str(each.inputs), each.name
    rollout = dev.one("cluster1-rollout").inputs
    assert rollout["secrets_digest"] == api_server_secrets.digest(table_of(dev))


@pytest.mark.parametrize("provider", ["secretbox", "none"])
def test_another_provider_has_the_same_key(dev: Graph, provider: str) -> None:
    after = with_security(dev, secretsEncryption={"provider": provider})
    assert {str(each) for each in providers(table_of(after))} == {
        str(each) for each in providers(table_of(dev))
    }
    assert ("cluster1-rollout" in after.changed_from(dev)) == (provider == "none")
    assert after.one("cluster1-encryption").outputs == dev.one("cluster1-encryption").outputs


def test_the_login_for_audit_events_travels_with_it() -> None:
    graph = with_security(audit={"webhook": {"kubeconfig": "auditWebhook"}})
    assert files(table_of(graph))["audit-webhook.yaml"] == WEBHOOK
    for each in graph:
        assert "the-token" not in str(each.inputs), each.name
    document = graph.one("cluster1-rollout").inputs["cluster_document"]
    assert "/secrets/audit-webhook.yaml" in document


@pytest.mark.parametrize("text", ["", "kind: Config", WEBHOOK.replace("https", "http")])
def test_a_kubeconfig_that_no_api_server_starts_with_is_refused(text: str) -> None:
    config = {
        **stack_config("dev"),
        "security": {"audit": {"webhook": {"kubeconfig": "auditWebhook"}}},
    }
    graph = run(config, secrets={"auditWebhook": text})
    assert graph.refusal
    assert "auditWebhook is not a kubeconfig for audit events" in graph.refusal
