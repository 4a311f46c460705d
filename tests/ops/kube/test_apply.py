"""API discovery, and the requests that applying sends."""

import json
from typing import Any

import pytest

from model.object_drift.loss import Loss, completed, lost
from model.object_drift.mark import LABEL, mark_of, marks
from model.render.objects import parsed
from ops.errors import OperatorError
from ops.kube import applied, apply, client
from ops.kube.client import Client
from tests.ops.kube.api_server import Answer, Api
from tests.ops.kube.served_object import ServedObject

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
        ServedObject(api, path)
    return Client(api.kubeconfig)


@pytest.fixture
def web(api: Api, kube: Client) -> ServedObject:
    return ServedObject(api, DEPLOYMENT_PATH)


def test_an_object_is_applied_with_the_field_manager(
    api: Api, kube: Client, web: ServedObject
) -> None:
    apply.apply(kube, DEPLOYMENT, mark=False)
    request = f"PATCH {DEPLOYMENT_PATH}"
    assert api.types[request] == "application/apply-patch+yaml"
    assert api.queries[-1] == {"fieldManager": ["kubeadm-fleet"], "force": ["true"]}
    assert api.sent[request]["metadata"] == {"name": "web"}
    assert web.live and LABEL not in web.live["metadata"].get("labels", {})


def patches(api: Api) -> int:
    return len([each for each in api.asked if each.startswith("PATCH ")])


def test_the_mark_is_written_only_if_it_is_another(
    api: Api, kube: Client, web: ServedObject
) -> None:
    apply.apply(kube, DEPLOYMENT)
    assert web.writes == ["kubeadm-fleet Apply", "kubeadm-fleet Update"]
    assert web.live
    (mark,) = marks(parsed(DEPLOYMENT))
    assert mark_of(web.live) == completed(mark, web.live)
    assert mark_of(web.live).fields
    api.asked.clear()
    apply.apply(kube, DEPLOYMENT)
    assert (patches(api), len(web.writes)) == (1, 2), "nothing is written again"
    apply.apply(kube, f"{DEPLOYMENT}spec: {{paused: true, replicas: 1}}\n")
    assert (patches(api), len(web.writes)) == (3, 4)
    assert lost(web.live) is None


def test_an_edit_is_seen_until_it_is_applied_again(
    api: Api, kube: Client, web: ServedObject
) -> None:
    text = f"{DEPLOYMENT}spec: {{paused: true, replicas: 1}}\n"
    apply.apply(kube, text)
    assert web.live
    web.edit("kubectl-annotate", {"metadata": {"annotations": {"a": "b"}}})
    assert lost(web.live) is None
    web.edit("kubectl-edit", {"spec": {"paused": False}})
    mine = lost(web.live)
    assert mine and (mine.fields, mine.managers) == (("spec.paused",), ("kubectl-edit",))
    web.edit("kubectl-edit", {"spec": {"paused": True}})
    again = lost(web.live)
    assert again and again.fields == mine.fields, "set back by hand, it is still theirs"
    (line,) = applied.read(kube, text).edited
    assert line == (
        "Deployment web: spec.paused was edited (by kubectl-edit), and is as declared again"
    )
    api.asked.clear()
    apply.apply(kube, text)
    assert lost(web.live) is None
    assert patches(api) == 1, "the mark is still right"
    web.edit("kubectl-edit", {"spec": {"replicas": None}})
    assert lost(web.live) == Loss(is_certain=False)
    apply.apply(kube, text)
    assert lost(web.live) is None
    assert applied.read(kube, text).edited == []


def test_a_mark_of_an_earlier_version_is_replaced(
    api: Api, kube: Client, web: ServedObject
) -> None:
    (mark,) = marks(parsed(DEPLOYMENT))
    former = {**parsed(DEPLOYMENT)[0]}
    former["metadata"] = {"name": "web", "labels": {LABEL: f"{mark.document}.{mark.siblings}"}}
    apply.apply(kube, json.dumps(former), mark=False)
    assert web.live and mark_of(web.live).number == 0
    assert applied.read(kube, DEPLOYMENT).edited == []
    apply.apply(kube, DEPLOYMENT)
    assert mark_of(web.live) == completed(mark, web.live)


@pytest.mark.parametrize("value", [None, "x"], ids=["removed", "changed"])
def test_a_mark_that_somebody_changed_is_repaired(
    value: str | None, api: Api, kube: Client, web: ServedObject
) -> None:
    both = f"{DEPLOYMENT}---{CRONTAB}"
    apply.apply(kube, both)
    assert applied.read(kube, both).edited == []
    web.edit("kubectl-label", {"metadata": {"labels": {LABEL: value}}})
    assert applied.read(kube, both).edited == [f"Deployment web: its label {LABEL} was changed"]
    apply.apply(kube, both)
    assert applied.read(kube, both).edited == []


def test_each_api_version_is_discovered_once(api: Api, kube: Client) -> None:
    apply.apply(kube, f"{DEPLOYMENT}---{CRONTAB}---{DEPLOYMENT}")
    assert api.asked == [
        *("GET /apis/apps/v1", f"PATCH {DEPLOYMENT_PATH}", f"PATCH {DEPLOYMENT_PATH}"),
        *("GET /apis/example.org/v2", f"PATCH {CRONTAB_PATH}", f"PATCH {CRONTAB_PATH}"),
        f"PATCH {DEPLOYMENT_PATH}",
    ]


def test_cluster_scoped_objects_have_no_namespace(kube: Client) -> None:
    documents = f"{DEPLOYMENT}---{CRONTAB}"
    references = apply.apply(kube, documents)
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
    apply.apply(kube, DEPLOYMENT, mark=False)
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
    ServedObject(api, f"{path}/customresourcedefinitions/crontabs.example.org")
    crontabs = [resource("crontabs", "CronTab", namespaced=False)]
    answers: list[Answer] = [(404, {}), (200, {"resources": []}), (200, {"resources": crontabs})]
    api.answers["GET /apis/example.org/v2"] = lambda: answers.pop(0)
    apply.apply(kube, f"{DEFINITION}---{CRONTAB}")
    assert answers == []
    assert f"PATCH {CRONTAB_PATH}" in api.asked
