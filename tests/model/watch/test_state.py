"""What is told when: once, with an end, whatever comes and goes, restarts or clocks do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from model.status.condition import Severity
from model.watch import outbox, remedies, state
from model.watch.event import Change, Event
from model.watch.finding import API, Finding, Snapshot
from model.watch.problem import END_SECONDS, LONGEST_END_SECONDS
from model.watch.state import NOT_WATCHED, Clock, State

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DOWN = Finding("c", ("nodes",), "NotReady", Severity.ERROR, "it is down", "Node", "n1")
GONE = Finding("c", (API,), "APIUnreachable", Severity.ERROR, "no answer")


class Life:
    """A state that is updated as time goes by."""

    def __init__(self) -> None:
        self.state = State()
        self.seconds = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(NOON + timedelta(seconds=self.seconds), 1000 + self.seconds)

    def see(self, *found: Finding, after: float = 1, **more: object) -> list[str]:
        self.seconds += after
        snapshot = replace(Snapshot(tuple(found)), **more)  # type: ignore[arg-type]
        return said(self.state.update("c", snapshot, self.clock))

    def restart(self) -> None:
        """Go on as another process, whose clock that does not jump is another one."""
        text = json.dumps(self.state.to_json())
        self.state = state.from_json(json.loads(text), Clock(self.clock.time, 5.0))


def said(events: list[Event]) -> list[str]:
    return [f"{event.event} {event.reason} {event.name}".strip() for event in events]


def test_a_condition_is_told_when_it_begins_and_when_it_ends() -> None:
    life = Life()
    assert life.see() == []
    assert life.see(DOWN) == ["began NotReady n1"]
    assert life.see(DOWN, after=3600) == []
    assert life.see(after=5) == []
    assert life.see(after=END_SECONDS) == ["ended NotReady n1"]
    assert life.see(after=100) == []


def test_an_end_has_the_time_of_the_end_and_not_that_of_the_telling() -> None:
    life = Life()
    since = NOON - timedelta(hours=1)
    life.see(replace(DOWN, since=since))
    life.see(after=60)
    life.seconds += END_SECONDS
    (event,) = life.state.update("c", Snapshot(), life.clock)
    assert (event.began, event.ended) == (since, NOON + timedelta(seconds=61))
    assert event.time == life.clock.time


def test_a_beginning_in_the_future_is_now() -> None:
    life = Life()
    life.see(replace(DOWN, since=NOON + timedelta(days=1)))
    (told,) = life.state.told("c")
    assert told.began == life.clock.time


def test_a_short_absence_is_no_end() -> None:
    life = Life()
    assert life.see(DOWN) == ["began NotReady n1"]
    for _ in range(20):
        assert life.see(after=END_SECONDS - 2) == []
        assert life.see(DOWN) == []


def test_what_flaps_is_told_less_and_less_often() -> None:
    life = Life()
    told = 0
    for _ in range(240):  # two hours, up and down for 15 seconds each
        told += len(life.see(DOWN, after=15))
        told += len(life.see(after=1)) + len(life.see(after=14))
        told += len(life.see(after=0.5))
    assert told <= 4
    assert life.see(after=LONGEST_END_SECONDS) in ([], ["ended NotReady n1"])


def test_after_an_hour_of_peace_flapping_is_forgotten() -> None:
    life = Life()
    life.see(DOWN)
    life.see(after=1)
    assert life.see(after=END_SECONDS) == ["ended NotReady n1"]
    life.see(DOWN, after=3700)
    life.see(after=1)
    assert life.see(after=END_SECONDS) == ["ended NotReady n1"]


def test_what_holds_only_for_a_moment_is_not_told() -> None:
    life = Life()
    short = replace(DOWN, hold=10.0)
    assert life.see(short) == []
    assert life.see(short, after=9) == []
    assert life.see(after=1) == []
    assert life.see(short, after=1) == []
    assert life.see(short, after=10) == ["began NotReady n1"]


def test_what_cannot_be_read_has_neither_begun_nor_ended() -> None:
    life = Life()
    life.see(DOWN)
    assert life.see(after=100, unknown=frozenset({"nodes"})) == []
    assert life.see(GONE, after=100, is_known=False) == ["began APIUnreachable"]
    assert life.see(after=100, is_known=False) == []
    assert life.see(after=END_SECONDS, is_known=False) == ["ended APIUnreachable"]
    assert life.see(DOWN, after=100) == []


def test_an_end_that_is_in_doubt_is_not_told() -> None:
    life = Life()
    life.see(DOWN)
    life.see(after=60)
    assert life.see(after=END_SECONDS, unknown=frozenset({"nodes"})) == []
    assert life.see(GONE, after=60, is_known=False) == ["began APIUnreachable"]
    assert life.see(DOWN, GONE, after=1) == []
    life.see(GONE, after=1)
    life.see(GONE, after=5, unknown=frozenset({"nodes"}))
    assert life.see(GONE, after=5) == []
    assert life.see(GONE, after=END_SECONDS) == ["ended NotReady n1"]


def test_alike_findings_of_one_object_are_told_apart() -> None:
    life = Life()
    one, two = (replace(DOWN, reason="HostDrift", item=item) for item in ("file /a", "file /b"))
    assert life.see(one) == ["began HostDrift n1"]
    assert life.see(one, two) == ["began HostDrift n1"]
    changed = replace(one, message="another text")
    assert life.see(changed, two) == []


def test_a_restart_tells_nothing_twice_and_forgets_nothing() -> None:
    life = Life()
    life.see(DOWN)
    life.restart()
    assert life.see(is_known=False) == []
    assert life.see(DOWN) == []
    life.restart()
    assert life.see() == []
    assert life.see(after=END_SECONDS) == ["ended NotReady n1"]
    life.restart()
    assert life.see() == []


def test_a_restart_forgets_what_was_not_told_yet() -> None:
    life = Life()
    slow = replace(DOWN, hold=10.0)
    life.see(slow)
    life.restart()
    assert life.see(slow) == []
    assert life.see(slow, after=10) == ["began NotReady n1"]


def test_a_jump_of_the_clock_begins_and_ends_nothing() -> None:
    life = Life()
    life.see(DOWN)
    far = Clock(NOON + timedelta(days=400), life.clock.seconds + 1)
    assert life.state.update("c", Snapshot(), far) == []
    back = Clock(NOON - timedelta(days=400), life.clock.seconds + 2)
    assert life.state.update("c", Snapshot((DOWN,)), back) == []
    assert life.state.update("c", Snapshot(), replace(back, seconds=back.seconds + 1)) == []
    (ended,) = life.state.update("c", Snapshot(), replace(back, seconds=back.seconds + 20))
    assert ended.ended is not None and ended.ended >= ended.began


def test_a_cluster_that_is_not_watched_any_more_ends_what_was_told() -> None:
    life = Life()
    life.see(DOWN, replace(DOWN, name="n2", hold=60))
    (event,) = life.state.forget_all_but(["other"], life.clock)
    assert (event.event, event.name, event.note) == (Change.ENDED, "n1", NOT_WATCHED)
    assert life.state.forget_all_but(["other"], life.clock) == []
    assert life.see(DOWN) == ["began NotReady n1"]


def test_a_cluster_with_unfinished_business_is_not_settled() -> None:
    life = Life()
    assert life.state.is_settled("c")
    life.see(replace(DOWN, hold=10))
    assert not life.state.is_settled("c")
    life.see(replace(DOWN, hold=10), after=10)
    assert life.state.is_settled("c")
    life.see()
    assert not life.state.is_settled("c")


@pytest.mark.parametrize(
    "damage",
    [
        None,
        [],
        "x",
        {},
        {"version": 0},
        {"version": 1, "problems": {"c": [{}]}, "ends": {}, "outbox": {}},
        {"version": 1, "problems": [], "ends": {}, "outbox": State().outbox.to_json()},
        {
            "version": 1,
            "problems": {},
            "ends": {"c": {"k": ["x"]}},
            "outbox": State().outbox.to_json(),
        },
        {
            "version": 1,
            "problems": {},
            "ends": {},
            "outbox": {"events": [{}], "taken": {}, "nextId": 1},
        },
        {
            "version": 1,
            "problems": {},
            "ends": {},
            "outbox": {"events": [], "taken": {}, "nextId": "x"},
        },
    ],
    ids=str,
)
def test_what_is_no_state_is_refused(damage: object) -> None:
    with pytest.raises(ValueError):
        state.from_json(damage, Life().clock)


def _events(life: Life, count: int) -> None:
    for index in range(count):
        life.see(*(replace(DOWN, name=f"n{each}") for each in range(index + 1)))


def test_each_sink_takes_events_at_its_own_speed() -> None:
    life = Life()
    box = life.state.outbox
    box.keep_for(["fast", "slow"])
    _events(life, 3)
    assert [event.id for event in box.waiting("fast")] == [1, 2, 3]
    box.take("fast", 3)
    box.take("slow", 1)
    life.restart()
    box = life.state.outbox
    assert list(box.waiting("fast")) == []
    assert [event.id for event in box.waiting("slow")] == [2, 3]
    box.take("slow", 3)
    assert box.events == []


def test_a_new_sink_is_not_told_the_past_and_one_that_is_gone_keeps_nothing() -> None:
    life = Life()
    life.state.outbox.keep_for(["old"])
    _events(life, 2)
    life.state.outbox.keep_for(["new"])
    assert list(life.state.outbox.waiting("new")) == []
    assert life.state.outbox.events == []


def test_events_do_not_pile_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LIMIT", 2)
    life = Life()
    box = life.state.outbox
    box.keep_for(["dead", "slow"])
    _events(life, 5)
    box.take("slow", 4)
    assert box.shorten() == {"dead": 3}
    assert [event.id for event in box.waiting("dead")] == [4, 5]
    assert [event.id for event in box.waiting("slow")] == [5]


def test_an_unknown_reason_has_a_command_and_a_runbook_too() -> None:
    found = replace(DOWN, reason="SomethingOfAnotherProgram")
    assert found.fix == "fleet describe n1"
    assert found.runbook == remedies.OTHER.path
