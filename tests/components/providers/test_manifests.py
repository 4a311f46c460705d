"""Objects in a cluster: applying, drift and deletion."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from components.providers.manifests import ManifestsProvider
from ops.errors import OperatorError
from tests.ops.kube.api_server import Api

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
        for verb in ("GET", "PATCH", "DELETE"):
            api.answers[f"{verb} {path}"] = (200, {"kind": "Any", "metadata": {}})
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
    return [each for each in asked if not each.startswith("GET ")]


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
