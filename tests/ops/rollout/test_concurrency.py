"""The order of machines, and how many change at once."""

import threading
import time

import pytest

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
    run_bounded(range(7), limit, crowd)
    assert crowd.begun == list(range(7))
    assert crowd.most <= limit


def test_the_next_starts_as_soon_as_one_is_done() -> None:
    third_began = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            assert third_began.wait(LONG_SECONDS), "it waited for the complete batch"
        elif number == 2:
            third_began.set()

    run_bounded([0, 1, 2], 2, work)


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
        run_bounded(range(9), 2, work)
    assert done == [0]


def test_all_failures_are_reported() -> None:
    both = threading.Barrier(2)

    def work(number: int) -> None:
        both.wait(LONG_SECONDS)
        raise OperatorError(f"machine {number}")

    with pytest.raises(OperatorError, match=r"machine \d\nmachine \d"):
        run_bounded(range(2), 2, work)


def test_unhealthy_machines_come_first() -> None:
    assert unhealthy_first(["a", "b", "c"], lambda name: name != "b") == ["b", "a", "c"]
