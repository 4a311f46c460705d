"""Registrations of APIs are compared with what the config knows of them."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from model.aggregated_api import registration
from model.object_drift.declaration import DeclaredObject, from_plain
from model.object_drift.judgement import State, judged
from model.object_drift.rendered import to_plain
from model.render.metrics_server import API
from tests.model.examples import CONTAINER, cluster
from tests.model.object_drift.test_judgement import fields_of, managed

NOW = datetime.now(UTC)


def declared(**changes: Any) -> list[DeclaredObject]:
    its = cluster(CONTAINER, *changes.items())
    found = from_plain(to_plain([its]), its.name)
    assert found
    return [each for each in found if each.document["kind"] == "APIService"]


def live(**edits: Any) -> dict[str, Any]:
    """The registration as it was written, and what somebody made of it."""
    found = copy.deepcopy(registration(API, "a CA", NOW, NOW))
    content = {key: found[key] for key in ("metadata", "spec")}
    edited: dict[str, Any] = {"f:spec": {f"f:{key}": {} for key in edits}}
    own = fields_of(content)
    for key in edits:
        own["f:spec"].pop(f"f:{key}")
    found["metadata"]["managedFields"] = [
        managed("kubeadm-fleet", own, operation="Apply"),
        *([managed("kubectl-patch", edited)] if edits else []),
    ]
    found["spec"] |= edits
    # The API leaves out what is false.
    found["spec"] = {key: value for key, value in found["spec"].items() if value is not False}
    return found


def test_one_as_it_was_written_is_no_drift() -> None:
    (each,) = declared()
    assert judged(each.document, each.mark, live()) == []


@pytest.mark.parametrize(
    "edit", [{"insecureSkipTLSVerify": True}, {"service": {"name": "x", "namespace": "y"}}], ids=str
)
def test_one_that_leads_elsewhere_or_verifies_nothing_was_edited(edit: dict[str, Any]) -> None:
    (each,) = declared()
    (drift,) = judged(each.document, each.mark, live(**edit))
    assert drift.state is State.EDITED
    assert {field.manager.name for field in drift.fields if field.manager} == {"kubectl-patch"}


def test_a_cluster_without_metrics_server_has_none() -> None:
    assert declared(**{"clusters/cluster1/metricsServer": False}) == []
