"""The order of machines, and how many change at once."""

import threading
import time

import pytest

from model.limits import Limits
from ops.errors import OperatorError
from ops.rollout.concurrency import run_bounded, unhealthy_first

LONG_SECONDS = 10


class ConcurrencyCounter:
    """Counts who is at work at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.begun: list[int] = []

    def __call__(self, number: int) -> None:
        with self._lock:
            self.begun.append(number)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.01)
        with self._lock:
            self._now -= 1


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_never_more_than_the_limit_at_once(limit: int) -> None:
    crowd = ConcurrencyCounter()
    run_bounded({"": range(7)}, lambda _: limit, crowd)
    assert crowd.begun == list(range(7))
    assert crowd.most <= limit


def test_the_next_starts_as_soon_as_one_is_done() -> None:
    third_began = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            assert third_began.wait(LONG_SECONDS), "it waited for the complete batch"
        elif number == 2:
            third_began.set()

    run_bounded({"": [0, 1, 2]}, lambda _: 2, work)


def test_groups_are_changed_side_by_side_each_within_its_limit() -> None:
    both = threading.Barrier(3)
    crowds = {"gpu": ConcurrencyCounter(), "shared": ConcurrencyCounter()}

    def work(machine: tuple[str, int]) -> None:
        group, number = machine
        if number < {"gpu": 1, "shared": 2}[group]:
            both.wait(LONG_SECONDS)
        crowds[group](number)

    groups = {
        "gpu": [("gpu", number) for number in range(4)],
        "shared": [("shared", number) for number in range(6)],
    }
    run_bounded(groups, {"gpu": 1, "shared": 2}.__getitem__, work)
    assert (crowds["gpu"].most, len(crowds["gpu"].begun)) == (1, 4)
    assert (crowds["shared"].most <= 2, len(crowds["shared"].begun)) == (True, 6)


def test_a_limit_that_sinks_in_the_meantime_counts() -> None:
    begun, sunk = threading.Event(), threading.Event()
    crowd = ConcurrencyCounter()

    def work(number: int) -> None:
        if number == 0:
            assert begun.wait(LONG_SECONDS)
            sunk.set()
        elif number == 1:
            begun.set()
            assert sunk.wait(LONG_SECONDS)
            time.sleep(0.1)
            assert crowd.begun == [], "there is no place beside it"
        else:
            crowd(number)

    run_bounded({"": range(6)}, lambda _: 1 if sunk.is_set() else 2, work)
    assert (crowd.begun, crowd.most) == ([2, 3, 4, 5], 1)


def test_a_failure_in_one_group_stops_the_others() -> None:
    failed = threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            failed.set()
            raise OperatorError("machine 0: it broke")
        assert failed.wait(LONG_SECONDS)
        time.sleep(0.1)
        done.append(number)

    with pytest.raises(OperatorError, match="machine 0"):
        run_bounded({"gpu": [0], "shared": [1, 2, 3]}, lambda _: 1, work)
    assert done == [1]


def test_pools_without_a_limit_share_the_cluster_s() -> None:
    limits = Limits.read(2.0, {"gpu": 1.0})
    assert [limits.group(pool) for pool in ("gpu", "general", "spare", "")] == ["gpu", "", "", ""]
    assert (limits.of("gpu"), limits.of("")) == (1, 2)


def test_after_a_failure_nothing_starts_and_running_ones_finish() -> None:
    done: list[int] = []
    failed = threading.Event()

    def work(number: int) -> None:
        if number == 1:
            failed.set()
            raise OperatorError("machine 1: it broke")
        assert failed.wait(LONG_SECONDS)
        done.append(number)

    with pytest.raises(OperatorError, match="machine 1"):
        run_bounded({"": range(9)}, lambda _: 2, work)
    assert done == [0]


def test_all_failures_are_reported() -> None:
    both = threading.Barrier(2)

    def work(number: int) -> None:
        both.wait(LONG_SECONDS)
        raise OperatorError(f"machine {number}")

    with pytest.raises(OperatorError, match=r"machine \d\nmachine \d"):
        run_bounded({"": range(2)}, lambda _: 2, work)


def test_unhealthy_machines_come_first() -> None:
    assert unhealthy_first(["a", "b", "c"], lambda name: name != "b") == ["b", "a", "c"]
