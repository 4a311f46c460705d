"""The keys that encrypt Secrets in the phases of their rotation."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model import encryption_keys
from model.encryption_keys import KEPT, EncryptionKeyProps
from model.rotation_phases import FINISH, NEXT, PHASES, PREPARE, SWITCH, is_same, refusal

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Keys:
    """The keys of a cluster as its resource has them."""

    phase: str = ""
    keys: list[EncryptionKeyProps] = field(default_factory=lambda: [encryption_keys.generate()])
    former: list[str] = field(default_factory=list)

    def to(self, phase: str, now: datetime = START) -> "Keys":
        since = encryption_keys.former_since(self.former, self.phase, phase, now)
        keys = encryption_keys.rotated(self.keys, len(since), self.phase, phase)
        changes = encryption_keys.is_changed(self.former, since, self.phase, phase)
        assert changes == (keys != self.keys), "the preview's number is that of the list"
        return Keys(phase, keys, since)

    def through(self, phases: Sequence[str], now: datetime = START) -> "Keys":
        found = self
        for phase in phases:
            found = found.to(phase, now)
        return found


def test_the_successor_reads_then_writes_and_the_former_key_still_reads() -> None:
    (first,) = Keys().keys
    start = Keys(keys=[first])
    prepared, switched, finished = (start.through(PHASES[:count]) for count in (1, 2, 3))
    assert (prepared.keys[0], len(prepared.keys)) == (first, 2)
    assert (switched.keys[1], len(switched.keys)) == (first, 2)
    assert (finished.keys[1], len(finished.keys)) == (first, 2)
    assert finished.former == [START.isoformat()]
    assert finished.to("").keys == finished.keys, "the removed phase is no change"
    assert prepared.to(PREPARE) == prepared


def test_steps_are_taken_back_and_a_successor_that_may_have_written_still_reads() -> None:
    start = Keys()
    switched = start.through((PREPARE, SWITCH))
    back = switched.to(PREPARE)
    assert back.keys == [*reversed(switched.keys)]
    given_up = back.to("")
    assert given_up.keys == back.keys, "no API server is restarted"
    assert given_up.former == [START.isoformat()]
    again = given_up.to(PREPARE)
    assert [again.keys[0], again.keys[2]] == given_up.keys


@pytest.mark.parametrize(
    ("after", "is_kept"),
    [(timedelta(0), True), (KEPT - timedelta(seconds=1), True), (KEPT, False)],
)
def test_a_former_key_is_dropped_at_the_end_of_a_later_rotation(
    after: timedelta, is_kept: bool
) -> None:
    first = Keys()
    second = first.through(PHASES)
    for phase in (PREPARE, SWITCH):
        second = second.to(phase, START + after)
        assert first.keys[0] in second.keys, "Secrets may not all be written again yet"
    third = second.to(FINISH, START + after)
    assert (first.keys[0] in third.keys) == is_kept
    assert len(third.keys) == 1 + len(third.former) == 2 + is_kept


def test_a_rotation_that_is_given_up_drops_nothing() -> None:
    """Nothing has been written again."""
    long_after = START + 2 * KEPT
    finished = Keys().through(PHASES)
    given_up = finished.to(PREPARE, long_after).to("", long_after)
    assert {key["name"] for key in finished.keys} < {key["name"] for key in given_up.keys}


def test_no_key_writes_before_all_can_read_it_whatever_the_order() -> None:
    """Random ways through the phases: between two runs, and in snapshots of the last 90 days."""
    chance = random.Random(20261127)
    for _ in range(50):
        now, found = START, Keys()
        wrote: dict[str, datetime] = {found.keys[0]["name"]: now}
        for _ in range(30):
            now += timedelta(days=chance.choice((0, 1, 40)))
            wanted = chance.choice(("", *PHASES))
            if refusal(found.phase, wanted):
                continue
            before, found = found, found.to(wanted, now)
            names, known = ([key["name"] for key in its.keys] for its in (found, before))
            assert names[0] in known
            assert known[0] in names
            assert len(names) == len({*names})
            wrote |= {known[0]: now, names[0]: now}
            assert {name for name, last in wrote.items() if now - last < KEPT} <= {*names}


def test_the_way_of_the_command_gives_a_new_key_each_time() -> None:
    found, seen = Keys(), []
    for _ in range(3):
        for _ in PHASES:
            found = found.to(NEXT[found.phase])
        seen.append(found.keys[0]["name"])
    assert len({*seen}) == 3
    assert is_same(found.phase, "")
    assert [key["name"] for key in found.keys[:3]] == seen[::-1]


def test_keys_are_random_and_named_without_them() -> None:
    made: list[Any] = [encryption_keys.generate() for _ in range(20)]
    assert len({key["name"] for key in made}) == len({key["secret"] for key in made}) == 20
