"""`up --wait`: the run is repeated outside of the engine when a soak is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scripts.fleet import waiting
from scripts.fleet.waiting import run_until_none_waits, waiting_clusters

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def outputs(**until: datetime) -> dict[str, Any]:
    waits = {
        name: {"waiting": {"until": each.isoformat(), "for": ["canary"]}}
        for name, each in until.items()
    }
    return {"kubeconfig": "", "clusters": {"canary": {"ready": True}, **waits}}


class Clock:
    """A clock that only sleeping moves."""

    now_is = NOW

    def now(self, _zone: object) -> datetime:
        return self.now_is

    def sleep(self, seconds: float) -> None:
        self.now_is += timedelta(seconds=seconds)

    fromisoformat = staticmethod(datetime.fromisoformat)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "datetime", clock)
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def test_waiting_clusters_are_read_from_the_outputs() -> None:
    assert waiting_clusters(outputs(main=NOW)) == {"main": NOW}
    assert waiting_clusters(outputs()) == waiting_clusters({}) == {}


def test_the_run_is_repeated_after_each_soak(clock: Clock) -> None:
    first, second = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    found = iter([outputs(main=first, last=second), outputs(last=second), outputs()])
    ran: list[datetime] = []
    said: list[str] = []
    run_until_none_waits(lambda: ran.append(clock.now_is), lambda: next(found), said.append)
    assert ran == [NOW, first, second]
    assert said[0].startswith("main, last: waiting until 2030-01-01 01:00:00 UTC.")


def test_without_waves_there_is_one_run(clock: Clock) -> None:
    ran: list[str] = []
    run_until_none_waits(lambda: ran.append("up"), outputs, ran.append)
    assert ran == ["up"]
