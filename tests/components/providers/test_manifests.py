"""Objects in a cluster: applying, drift and deletion."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from components.providers.manifests import ManifestsProvider
from model.object_drift.mark import Mark, mark_of
from model.well_known import KEEP_ANNOTATION
from ops.errors import OperatorError
from tests.ops.kube.api_server import Api
from tests.ops.kube.served_object import ServedObject

FIRST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: first, namespace: shop}
"""
SECOND = """
apiVersion: v1
kind: Namespace
metadata: {name: second}
"""
BOTH = f"{FIRST}---{SECOND}"
FIRST_REFERENCE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "first", "namespace": "shop"}
SECOND_REFERENCE = {"apiVersion": "v1", "kind": "Namespace", "name": "second", "namespace": ""}
FIRST_PATH = "/api/v1/namespaces/shop/configmaps/first"
SECOND_PATH = "/api/v1/namespaces/second"


@pytest.fixture
def core(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """An API that knows ConfigMaps and Namespaces, and takes every object of BOTH."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kinds = (("configmaps", "ConfigMap", True), ("namespaces", "Namespace", False))
    resources = [
        {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind,
         "verbs": ["get", "patch", "delete"]}
        for name, kind, namespaced in kinds
    ]  # fmt: skip
    api.answers["GET /api/v1"] = (
        200,
        {"kind": "APIResourceList", "groupVersion": "v1", "resources": resources},
    )
    for path in (FIRST_PATH, SECOND_PATH):
        ServedObject(api, path)
    return api


def test_api_discovery_is_repeated_each_time(core: Api, tmp_path: Path) -> None:
    """A cluster that was upgraded, or another one at the same address, serves other things."""
    for _ in range(2):
        core.asked.clear()
        ManifestsProvider().create(props(core, FIRST))
        assert "GET /api/v1" in core.asked
    assert list(tmp_path.iterdir()) == []


def inputs(api: Api, documents: str, **changes: Any) -> dict[str, Any]:
    given = {"identity": api.identity, "documents": documents, "init": "first"}
    return {"urn": "", "held_by": [], **given, **changes}


def props(api: Api, documents: str) -> dict[str, Any]:
    return dict(ManifestsProvider().check({}, inputs(api, documents)).inputs)


def changes(asked: list[str]) -> list[str]:
    """What was asked for besides reading, once: what is applied again gets a mark then."""
    return list(dict.fromkeys(each for each in asked if not each.startswith("GET ")))


def test_documents_are_applied_in_their_order(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    assert outs["applied"] == [FIRST_REFERENCE, SECOND_REFERENCE]
    assert changes(core.asked) == [f"PATCH {FIRST_PATH}", f"PATCH {SECOND_PATH}"]


def test_an_object_that_is_no_longer_listed_is_deleted(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    core.asked.clear()
    after = ManifestsProvider().update("id", outs, props(core, FIRST)).outs or {}
    assert after["applied"] == [FIRST_REFERENCE]
    assert changes(core.asked) == [f"PATCH {FIRST_PATH}", f"DELETE {SECOND_PATH}"]


def test_a_missing_object_is_detected_and_applied_again(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    del core.answers[f"GET {SECOND_PATH}"]
    read = ManifestsProvider().read("id", outs).outs or {}
    assert read["applied"] == [FIRST_REFERENCE]
    assert ManifestsProvider().diff("id", read, props(core, BOTH)).changes


def test_an_unavailable_api_does_not_change_the_known_objects(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    core.answers[f"GET {SECOND_PATH}"] = (503, {"message": "etcd has no leader"})
    assert ManifestsProvider().read("id", outs).outs == outs


def test_objects_are_applied_to_a_recreated_cluster(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    assert ManifestsProvider().diff("id", outs, {**props(core, BOTH), "init": "x"}).changes


def test_unchanged_documents_are_left_alone(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    core.asked.clear()
    assert not ManifestsProvider().diff("id", outs, props(core, BOTH)).changes
    assert core.asked == []


def test_changed_document_is_applied_again(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    found = ManifestsProvider().diff("id", outs, props(core, FIRST))
    assert found.changes
    assert not found.replaces


def test_objects_are_deleted_in_reverse_order(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, BOTH)).outs or {}
    core.asked.clear()
    ManifestsProvider().delete("id", outs)
    assert changes(core.asked) == [f"DELETE {SECOND_PATH}", f"DELETE {FIRST_PATH}"]


def test_deleting_a_missing_object_is_ignored(core: Api) -> None:
    outs = ManifestsProvider().create(props(core, FIRST)).outs or {}
    del core.answers[f"DELETE {FIRST_PATH}"]
    ManifestsProvider().delete("id", outs)


def test_a_rejection_names_object_server_and_reason(core: Api) -> None:
    core.answers[f"PATCH {FIRST_PATH}"] = (403, {"message": "admin may not patch configmaps"})
    with pytest.raises(OperatorError, match=r"ConfigMap/shop/first at https://127.*may not patch"):
        ManifestsProvider().create(props(core, FIRST))


TOKYO = {"cluster": "tokyo", "network": "flannel"}
FLANNEL = {**TOKYO, "connects": "flannel", "policies": "none"}
CANAL = {**TOKYO, "connects": "flannel with calico", "policies": "calico"}
CALICO = {**TOKYO, "connects": "calico", "network": "calico", "policies": "calico"}
POLICY, NETWORK = "networking.networkPolicy", "network"


def network(api: Api, documents: str, connects: dict[str, str]) -> dict[str, Any]:
    """The inputs of a cluster's pod network, as check returns them."""
    return dict(ManifestsProvider().check({}, inputs(api, documents, pod_network=connects)).inputs)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (CANAL, FLANNEL, {POLICY: "calico"}),
        (CANAL, CALICO, {NETWORK: "flannel"}),
        (CALICO, CANAL, {NETWORK: "calico"}),
        (FLANNEL, CALICO, {NETWORK: "flannel", POLICY: "none"}),
        (CALICO, FLANNEL, {NETWORK: "calico", POLICY: "calico"}),
    ],
)
def test_what_connects_the_pods_of_a_running_cluster_is_not_changed(
    core: Api, before: dict[str, str], after: dict[str, str], kept: dict[str, str]
) -> None:
    provider = ManifestsProvider()
    state = provider.create(network(core, FIRST, before)).outs or {}
    core.asked.clear()
    with pytest.raises(OperatorError) as refused:
        provider.diff("id", state, network(core, SECOND, after))
    assert f"the pods of tokyo are connected by {before['connects']}, " in str(refused.value)
    revert = " and ".join(f"clusters.tokyo.{name} to {value}" for name, value in kept.items())
    assert f"set {revert}. The way" in str(refused.value)
    assert Path("docs/runbooks/another-network.md").name in str(refused.value)
    assert core.asked == []
    assert not provider.diff("id", state, network(core, FIRST, before)).changes
    assert provider.diff("id", state, network(core, SECOND, before)).changes


def test_a_cluster_without_policies_can_get_them(
    core: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    provider = ManifestsProvider()
    state = provider.create(network(core, FIRST, FLANNEL)).outs or {}
    news = network(core, SECOND, CANAL)
    assert provider.diff("id", state, news).changes
    after = provider.update("id", state, news).outs or {}
    assert not provider.diff("id", after, news).changes
    with pytest.raises(OperatorError):
        provider.diff("id", after, network(core, FIRST, FLANNEL))


def test_a_state_that_does_not_say_what_connects_pods_is_flannel_s(core: Api) -> None:
    provider = ManifestsProvider()
    state = provider.create(props(core, FIRST)).outs or {}
    assert not provider.diff("id", state, network(core, FIRST, FLANNEL)).changes
    assert provider.diff("id", state, network(core, SECOND, CANAL)).changes
    with pytest.raises(OperatorError):
        provider.diff("id", state, network(core, FIRST, CALICO))
    # Nor do those that were written before there was a second network.
    earlier = {name: value for name, value in CANAL.items() if name != "network"}
    state = provider.create(network(core, FIRST, earlier)).outs or {}
    assert not provider.diff("id", state, network(core, FIRST, CANAL)).changes
    with pytest.raises(OperatorError, match=r"set clusters\.tokyo\.network to flannel\."):
        provider.diff("id", state, network(core, FIRST, CALICO))


def edited(namespace: str) -> dict[str, Any]:
    """The object as it is after somebody's edit."""
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {"f:level": {}}}}
    managers: list[dict[str, Any]] = [
        {"manager": "kubeadm-fleet", "operation": "Apply", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-label", "operation": "Update", "fieldsV1": fields},
    ]
    labels = {"level": namespace}
    return {"metadata": {"name": "second", "labels": labels, "managedFields": managers}}


LABELLED = SECOND.replace("{name: second}", "{name: second, labels: {level: high}}")


def test_an_edited_object_is_detected_and_applied_again(core: Api) -> None:
    provider = ManifestsProvider()
    outs = provider.create(props(core, LABELLED)).outs or {}
    core.answers[f"GET {SECOND_PATH}"] = (200, edited("low"))
    read = provider.read("id", outs).outs or {}
    assert read["applied"] == outs["applied"], "it is there, and deleted with the others"
    assert read["edited"] == [
        "Namespace second: metadata.labels.level is low, not high (by kubectl-label)"
    ]
    assert provider.diff("id", read, props(core, LABELLED)).changes
    after = provider.update("id", read, props(core, LABELLED)).outs or {}
    assert after["edited"] == []
    core.answers[f"GET {SECOND_PATH}"] = (200, edited("high"))
    again = provider.read("id", after).outs or {}
    assert not provider.diff("id", again, props(core, LABELLED)).changes


def test_an_edited_object_that_is_no_longer_listed_is_deleted(core: Api) -> None:
    provider = ManifestsProvider()
    outs = provider.create(props(core, f"{FIRST}---{LABELLED}")).outs or {}
    core.answers[f"GET {SECOND_PATH}"] = (200, edited("low"))
    read = provider.read("id", outs).outs or {}
    core.asked.clear()
    provider.update("id", read, props(core, FIRST))
    assert f"DELETE {SECOND_PATH}" in core.asked


def test_a_state_of_an_earlier_version_has_no_edited_objects(core: Api) -> None:
    provider = ManifestsProvider()
    outs = dict(provider.create(props(core, SECOND)).outs or {})
    del outs["edited"]
    assert not provider.diff("id", outs, props(core, SECOND)).changes


def test_what_is_kept_loses_its_mark(core: Api) -> None:
    kept = SECOND.replace("name: second", f"name: second, annotations: {{{KEEP_ANNOTATION}: x}}")
    second = ServedObject(core, SECOND_PATH)
    outs = ManifestsProvider().create(props(core, f"{FIRST}---{kept}")).outs or {}
    assert second.live and mark_of(second.live).fields
    after = ManifestsProvider().update("id", outs, props(core, FIRST)).outs or {}
    assert second.live and mark_of(second.live) == Mark()
    outs = ManifestsProvider().update("id", after, props(core, f"{FIRST}---{kept}")).outs or {}
    assert mark_of(second.live).fields
    ManifestsProvider().delete("id", outs)
    assert mark_of(second.live) == Mark()
    second.writes.clear()
    del core.answers[f"PATCH {SECOND_PATH}"]
    ManifestsProvider().delete("id", outs)
