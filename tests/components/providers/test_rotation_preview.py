"""A rotation's preview, which knows its phase and nothing of what the CA will be."""

from typing import Any

import pytest
from pulumi.output import UNKNOWN

from components.providers import rollout, rollout_plan
from components.providers.rollout import RolloutProvider
from model.rotation_phases import FINISH, PREPARE, SWITCH
from ops.errors import OperatorError
from ops.rollout.progress import Progress
from tests.ops.rollout.examples import inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, machines_of
from tests.ops.rollout.test_rotation import PLANES, WORKERS, phase

# What comes from a CA that is about to be changed.
OF_THE_CA = (
    *("issuer_key", "trusted", "signers", "identity", "authority", "trust"),
    *("client_file", "client_set", "client_authorities"),
)


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> FakeFleet:
    made = FakeFleet(inputs(), alike(inputs()))
    monkeypatch.setattr(rollout, "_machines", lambda _: machines_of(made))
    for module in (rollout, rollout_plan):
        monkeypatch.setattr(module, "nodes_of", lambda _: FakeNodes(made))
    monkeypatch.setattr(rollout, "_progress", lambda _: Progress(made.log))
    return made


def previewed(fleet: FakeFleet, before: str, after: str) -> str:
    """Return what the preview says of a change of the phase."""
    former = phase(before)
    fleet.props, fleet.found = former, dict(alike(former))
    provider = RolloutProvider()
    checked = provider.check({}, former).inputs
    state = provider.create(checked).outs or {}
    fleet.said.clear()
    news: dict[str, Any] = {**phase(after), **dict.fromkeys(OF_THE_CA, UNKNOWN)}
    assert provider.diff("id", state, provider.check(checked, news).inputs).changes
    return fleet.said[-1]


def test_a_successor_is_announced_for_each_machine(fleet: FakeFleet) -> None:
    said = previewed(fleet, "", PREPARE)
    for name in (*PLANES, *WORKERS):
        assert f"{name}: rotation of ca: prepare: in place, nothing restarted" in said
    assert "kubelet" not in said


def test_a_switch_says_what_is_restarted(fleet: FakeFleet) -> None:
    said = previewed(fleet, PREPARE, SWITCH)
    assert said.count("another CA signs its kubelet's serving certificate") == 6
    assert said.count("the kubelet is to use the cluster's current CA: kubelet restarted") == 6
    assert said.count("another ca issues its leaf certificates: issued again") == 3


def test_a_switch_that_comes_too_early_is_refused(fleet: FakeFleet) -> None:
    with pytest.raises(OperatorError, match="not all machines are in the phase before switch"):
        previewed(fleet, "", SWITCH)


def test_the_removed_key_of_a_finished_rotation_touches_no_machine(fleet: FakeFleet) -> None:
    former = phase(FINISH)
    fleet.props, fleet.found = former, dict(alike(former))
    provider = RolloutProvider()
    checked = provider.check({}, former).inputs
    state = provider.create(checked).outs or {}
    news = provider.check(checked, {**former, "rotations": {}}).inputs
    assert news["plan"] == {}
    assert not provider.diff("id", state, news).changes
