"""Held objects: changes wait, missing objects are applied."""

from typing import Any

import pytest

from components.providers import manifests
from components.providers.hold import STOPPED
from components.providers.manifests import ManifestsProvider
from ops.kube import apply as kube_apply
from ops.kube.apply import Reference, references

SOON = {"until": "2999-01-01T00:00:00+00:00", "for": ["canary"]}
FORMER = "{apiVersion: v1, kind: Namespace, metadata: {name: former}}"
NEXT = "{apiVersion: v1, kind: Namespace, metadata: {name: next}}"


def inputs(documents: str, *held_by: Any, init: str = "first") -> dict[str, Any]:
    return {
        "urn": "",
        "identity": "",
        "documents": documents,
        "init": init,
        "held_by": list(held_by),
    }


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that were applied."""
    texts: list[str] = []

    def apply(_: object, documents: str) -> list[Reference]:
        texts.append(documents)
        return references(documents)

    monkeypatch.setattr(kube_apply, "apply", apply)
    monkeypatch.setattr(kube_apply, "remove", lambda *_: None)
    monkeypatch.setattr(manifests, "connect", lambda _: None)
    return texts


class Engine:
    """What the engine does to objects: it keeps its inputs and its outputs."""

    def __init__(self, applied: list[str]) -> None:
        self.inputs = ManifestsProvider().check({}, inputs(FORMER, SOON)).inputs
        self.outputs = ManifestsProvider().create(self.inputs).outs or {}
        assert applied == [FORMER], "new objects do not wait"
        applied.clear()

    def changes(self, news: dict[str, Any]) -> bool | None:
        """Whether a preview shows a change."""
        checked = ManifestsProvider().check(self.inputs, news).inputs
        return ManifestsProvider().diff("id", self.outputs, checked).changes

    def up(self, news: dict[str, Any]) -> None:
        checked = ManifestsProvider().check(self.inputs, news).inputs
        if ManifestsProvider().diff("id", self.outputs, checked).changes:
            self.outputs = ManifestsProvider().update("id", self.outputs, checked).outs or {}
        self.inputs = checked


def test_a_change_waits_as_long_as_it_is_held(applied: list[str]) -> None:
    engine = Engine(applied)
    for _ in range(2):
        assert engine.changes(inputs(NEXT, SOON))
        engine.up(inputs(NEXT, SOON))
        assert applied == []
        assert engine.outputs["waiting"] == SOON
        assert engine.outputs["documents"] == engine.inputs["documents"] == FORMER
        assert engine.outputs["changed"] == ""
    engine.up(inputs(NEXT, {}))
    assert applied == [NEXT]
    assert engine.outputs["waiting"] == {}
    assert engine.outputs["changed"], "later waves wait for the soak after it"
    assert not engine.changes(inputs(NEXT, {}))


def test_a_reverted_change_no_longer_waits(applied: list[str]) -> None:
    engine = Engine(applied)
    engine.up(inputs(NEXT, SOON))
    engine.up(inputs(FORMER, SOON))
    assert (applied, engine.outputs["waiting"]) == ([], {})
    assert not engine.changes(inputs(FORMER, SOON))


def test_after_an_earlier_wave_failed_nothing_is_changed_or_recorded(applied: list[str]) -> None:
    engine = Engine(applied)
    assert not engine.changes(inputs(NEXT, STOPPED))
    engine.up(inputs(NEXT, STOPPED))
    assert (applied, engine.outputs["waiting"]) == ([], {})
    engine.up(inputs(NEXT, {}))
    assert applied == [NEXT]


@pytest.mark.parametrize("hold", [SOON, STOPPED])
def test_what_is_missing_is_restored_as_it_was(applied: list[str], hold: dict[str, Any]) -> None:
    engine = Engine(applied)
    engine.outputs = {**engine.outputs, "applied": []}
    engine.up(inputs(NEXT, hold))
    assert applied == [FORMER]


def test_a_cluster_that_was_initialized_again_waits_for_nobody(applied: list[str]) -> None:
    engine = Engine(applied)
    engine.up(inputs(NEXT, STOPPED, init="second"))
    assert applied == [NEXT]
    assert engine.outputs["waiting"] == {}
