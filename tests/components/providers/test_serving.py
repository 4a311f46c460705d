"""Kubelets' serving certificates are renewed by any `up` in the last third of their lifetimes."""

from dataclasses import replace
from typing import Any

import pytest

from components.providers import rollout, rollout_plan
from components.providers.rollout import RolloutProvider
from ops.rollout.progress import Progress
from tests.ops.rollout.examples import inputs, serving_certificate, wanted
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, machines_of

WORKER = "a-worker-1"


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> FakeFleet:
    made = FakeFleet(inputs(), alike(inputs()))
    monkeypatch.setattr(rollout, "_machines", lambda _: machines_of(made))
    for module in (rollout, rollout_plan):
        monkeypatch.setattr(module, "nodes_of", lambda _: FakeNodes(made))
    monkeypatch.setattr(rollout, "_progress", lambda _: Progress(made.log))
    return made


def checked(olds: Any, **changes: Any) -> dict[str, Any]:
    return RolloutProvider().check(olds, inputs(**changes)).inputs


def test_what_is_due_is_a_change_without_a_refresh_until_it_is_renewed(fleet: FakeFleet) -> None:
    young = serving_certificate(wanted(WORKER), age_days=19)
    fleet.found[WORKER] = replace(fleet.found[WORKER], serving=young)
    before = checked({})
    state = RolloutProvider().create(before).outs or {}
    assert fleet.called("renew_serving") == []
    assert not RolloutProvider().diff("id", state, checked(before)).changes

    due = serving_certificate(wanted(WORKER), age_days=21)
    fleet.found[WORKER] = replace(fleet.found[WORKER], serving=due)
    state["found"][WORKER] = fleet.found[WORKER].summary
    assert RolloutProvider().diff("id", state, checked(before)).changes
    said = f"{WORKER}: its kubelet's serving certificate expires on {due.expires:%Y-%m-%d at %H:%M}"
    assert f"{said} UTC: issued again, nothing restarted" in fleet.said[-1]

    state = RolloutProvider().update("id", state, checked(before)).outs or {}
    assert fleet.called("renew_serving") == [WORKER]
    assert not RolloutProvider().diff("id", state, checked(before)).changes


def test_what_a_refresh_has_found_is_said_once(fleet: FakeFleet) -> None:
    due = serving_certificate(wanted(WORKER), age_days=21)
    before = checked({})
    state = RolloutProvider().create(before).outs or {}
    fleet.found[WORKER] = replace(fleet.found[WORKER], serving=due)
    refreshed = RolloutProvider().read("id", state)
    assert refreshed.outs and refreshed.inputs
    news = checked(refreshed.inputs)
    assert RolloutProvider().diff("id", refreshed.outs, news).changes
    assert fleet.said[-1].count("serving certificate") == 1


def test_neither_the_ca_s_key_nor_a_pair_is_in_the_state(fleet: FakeFleet) -> None:
    fleet.found[WORKER] = replace(fleet.found[WORKER], serving=None)
    state = RolloutProvider().create(checked({})).outs or {}
    assert fleet.called("renew_serving") == [WORKER]
    assert "authority" not in state
    assert "PRIVATE" not in str(state)
