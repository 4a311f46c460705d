"""How long later waves wait, without blocking a provider call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.providers import wave
from components.providers.wave import WaveProvider
from ops.errors import OperatorError
from ops.kube.node import Node

HOUR = 3600


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def inputs(*rolled: str, soak_seconds: int = HOUR) -> dict[str, Any]:
    names = [f"canary-{index}" for index, _ in enumerate(rolled)]
    return {
        "clusters": names,
        "rolled": list(rolled),
        "soak_seconds": soak_seconds,
        "identities": names,
        "unavailable": [[] for _ in names],
    }


def nodes(*, ready: bool = True, ready_since: str = "") -> dict[str, Node]:
    return {"node": Node(ready, False, {}, (), (), (), ready_since=ready_since)}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Node] | None]:
    """What each cluster says of its Nodes: nothing unusual."""
    found: dict[str, dict[str, Node] | None] = {}
    monkeypatch.setattr(wave, "_read_nodes", lambda name: found.get(name, nodes()))
    monkeypatch.setattr(wave, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(wave, "POLL_SECONDS", 0)
    return found


pytestmark = pytest.mark.usefixtures("read")


def hold(props: dict[str, Any]) -> dict[str, Any]:
    found = (WaveProvider().create(props).outs or {})["hold"]
    assert (WaveProvider().update("id", {}, props).outs or {})["hold"] == found
    return dict(found)


def test_later_waves_wait_for_the_soak_after_the_last_change() -> None:
    first, last = ago(600), ago(60)
    until = (datetime.fromisoformat(last) + timedelta(hours=1)).isoformat()
    assert hold(inputs(first, last)) == {"until": until, "for": ["canary-0", "canary-1"]}


@pytest.mark.parametrize("rolled", [[], [""], ["", ago(2 * HOUR)]])
def test_unchanged_clusters_hold_no_wave(rolled: list[str]) -> None:
    assert hold(inputs(*rolled)) == {}


def test_without_a_soak_nothing_waits() -> None:
    assert hold(inputs(ago(0), soak_seconds=0)) == {}


def test_a_recovered_node_restarts_the_soak(
    read: dict[str, dict[str, Node] | None],
) -> None:
    read["canary-0"] = nodes(ready_since="2999-01-01T00:00:00Z")
    assert hold(inputs(ago(2 * HOUR)))["until"] == "2999-01-01T01:00:00+00:00"
    assert hold(inputs("", ago(2 * HOUR))) == {}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "canary-0: its API is unavailable"),
        (nodes(ready=False), "canary-0: Nodes node are not Ready"),
    ],
)
def test_an_unhealthy_canary_stops_the_wave(
    read: dict[str, dict[str, Node] | None], found: dict[str, Node] | None, reason: str
) -> None:
    read["canary-0"] = found
    with pytest.raises(OperatorError, match=reason):
        WaveProvider().create(inputs(ago(60)))


def test_workers_that_a_rollout_left_out_do_not_count(
    read: dict[str, dict[str, Node] | None],
) -> None:
    read["canary-0"] = nodes(ready=False, ready_since="2999-01-01T00:00:00Z")
    dead = {**inputs(ago(2 * HOUR)), "unavailable": [["node"]]}
    assert hold(dead) == {}
    assert WaveProvider().diff("id", {**inputs(ago(9)), "hold": {}}, dead).changes


def test_a_wave_is_unchanged_until_its_soak_is_over() -> None:
    news = inputs(ago(60))

    def looks_again(until: str | None, **changes: Any) -> bool | None:
        held = {"until": until, "for": ["canary-0"]} if until else {}
        return WaveProvider().diff("id", {**news, "hold": held}, {**news, **changes}).changes

    assert looks_again(None) is False
    assert looks_again(ago(-60)) is False
    assert looks_again(ago(1)) is True
    assert looks_again(ago(-60), soak_seconds=0) is True
    assert looks_again(ago(-60), rolled=[ago(0)]) is True
