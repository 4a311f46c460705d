"""API discovery, and the requests that applying sends."""

from typing import Any

import pytest

from model.object_drift.mark import LABEL, marks
from model.render.objects import parsed
from ops.errors import OperatorError
from ops.kube import applied, apply, client
from ops.kube.client import Client
from tests.ops.kube.api_server import Answer, Api

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
"""
CRONTAB = """
apiVersion: example.org/v2
kind: CronTab
metadata: {name: nightly, namespace: ignored}
"""
DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/default/deployments/web"
CRONTAB_PATH = "/apis/example.org/v2/crontabs/nightly"


def resource(name: str, kind: str, *, namespaced: bool) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": namespaced}


@pytest.fixture
def kube(api: Api, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An API that serves namespaced Deployments and cluster-scoped CronTabs."""
    monkeypatch.setattr(client, "POLL_SECONDS", 0.01)
    deployments = [
        resource("deployments", "Deployment", namespaced=True),
        resource("deployments/scale", "Scale", namespaced=True),
        resource("deployments/status", "Deployment", namespaced=True),
    ]
    crontabs = [resource("crontabs", "CronTab", namespaced=False)]
    api.answers["GET /apis/apps/v1"] = (200, {"resources": deployments})
    api.answers["GET /apis/example.org/v2"] = (200, {"resources": crontabs})
    for path in (DEPLOYMENT_PATH, CRONTAB_PATH):
        for verb in ("GET", "PATCH", "DELETE"):
            api.answers[f"{verb} {path}"] = (200, {})
    return Client(api.kubeconfig)


def test_an_object_is_applied_with_the_field_manager(api: Api, kube: Client) -> None:
    apply.apply(kube, DEPLOYMENT)
    request = f"PATCH {DEPLOYMENT_PATH}"
    assert api.types[request] == "application/apply-patch+yaml"
    assert api.queries[-1] == {"fieldManager": ["kubeadm-fleet"], "force": ["true"]}
    metadata = api.sent[request]["metadata"]
    assert metadata == {"name": "web", "labels": {LABEL: str(marks(parsed(DEPLOYMENT))[0])}}
    apply.apply(kube, DEPLOYMENT, mark=False)
    assert api.sent[request]["metadata"] == {"name": "web"}


def test_each_api_version_is_discovered_once(api: Api, kube: Client) -> None:
    apply.apply(kube, f"{DEPLOYMENT}---{CRONTAB}---{DEPLOYMENT}")
    assert api.asked == [
        *("GET /apis/apps/v1", f"PATCH {DEPLOYMENT_PATH}"),
        *("GET /apis/example.org/v2", f"PATCH {CRONTAB_PATH}"),
        f"PATCH {DEPLOYMENT_PATH}",
    ]


def test_cluster_scoped_objects_have_no_namespace(kube: Client) -> None:
    documents = f"{DEPLOYMENT}---{CRONTAB}"
    references = apply.references(documents)
    assert applied.read(kube, documents).present == references


def test_an_unserved_kind_fails_to_apply_and_counts_as_deleted(api: Api, kube: Client) -> None:
    other = CRONTAB.replace("kind: CronTab", "kind: Other")
    for documents in (other, other.replace("v2", "v9")):
        with pytest.raises(OperatorError, match=r"applying Other/ignored/nightly at .* 404"):
            apply.apply(kube, documents)
        assert applied.read(kube, documents).present == []
        apply.remove(kube, apply.references(documents))
    assert not [each for each in api.asked if each.startswith("DELETE")]


def test_applying_is_retried_while_the_api_is_unavailable(api: Api, kube: Client) -> None:
    answers: list[Answer] = [(503, {"message": "no leader"}), (200, {})]
    api.answers[f"PATCH {DEPLOYMENT_PATH}"] = lambda: answers.pop(0)
    apply.apply(kube, DEPLOYMENT)
    assert answers == []


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.example.org}
spec: {group: example.org, names: {kind: CronTab}}
"""


def test_an_object_of_a_kind_that_was_just_defined_waits_until_it_is_served(
    api: Api, kube: Client
) -> None:
    definitions = resource(
        "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
    )
    path = "/apis/apiextensions.k8s.io/v1"
    api.answers[f"GET {path}"] = (200, {"resources": [definitions]})
    api.answers[f"PATCH {path}/customresourcedefinitions/crontabs.example.org"] = (200, {})
    crontabs = [resource("crontabs", "CronTab", namespaced=False)]
    answers: list[Answer] = [(404, {}), (200, {"resources": []}), (200, {"resources": crontabs})]
    api.answers["GET /apis/example.org/v2"] = lambda: answers.pop(0)
    apply.apply(kube, f"{DEFINITION}---{CRONTAB}")
    assert answers == []
    assert f"PATCH {CRONTAB_PATH}" in api.asked
