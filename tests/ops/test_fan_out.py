"""Many targets asked at the same time: some answer, some fail, some hang."""

import subprocess
import sys
import time
from threading import Barrier, Event

import pytest

from ops import fan_out


def test_answers_are_in_the_order_of_the_targets() -> None:
    asked = Barrier(3)

    def call(target: int) -> int:
        asked.wait(10)
        return target * 2

    answers = fan_out.ask([3, 1, 2], call, 10)
    assert [(each.target, each.value) for each in answers] == [(3, 6), (1, 2), (2, 4)]


def test_nothing_is_asked_of_no_targets() -> None:
    assert fan_out.ask([], str, 0) == []


def test_a_failure_is_the_answer_of_its_target_alone() -> None:
    one, none, two = fan_out.ask([1, 0, 2], lambda each: 2 // each, 10)
    assert (one.value, two.value) == (2, 1)
    assert isinstance(none.error, ZeroDivisionError)
    assert not none.is_late


@pytest.mark.parametrize("parallel", [None, 2])
def test_what_hangs_is_late_and_holds_nothing_up(parallel: int | None) -> None:
    forever = Event()
    begin = time.monotonic()
    late, prompt = fan_out.ask(
        [True, False], lambda hangs: forever.wait() if hangs else False, 0.3, parallel=parallel
    )
    assert time.monotonic() - begin < 2
    assert (late.is_late, str(late.error)) == (True, "no answer within 0.3 s")
    assert (prompt.is_late, prompt.value) == (False, False)
    forever.set()


def test_what_had_no_turn_before_the_deadline_is_late_and_is_not_asked_later() -> None:
    asked: list[int] = []
    forever = Event()

    def call(target: int) -> None:
        asked.append(target)
        forever.wait()

    answers = fan_out.ask([1, 2], call, 0.1, parallel=1)
    assert [each.is_late for each in answers] == [True, True]
    forever.set()
    assert asked == [1]


def test_the_process_ends_while_targets_hang() -> None:
    program = (
        "from threading import Event; from ops import fan_out;"
        "print(*(each.is_late for each in fan_out.ask([0, 1], lambda _: Event().wait(), 0.1)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=10, check=True
    )
    assert ended.stdout.split() == ["True", "True"]


def test_a_call_that_was_begun_is_waited_for() -> None:
    released = Event()
    wait = fan_out.begin(lambda: released.wait(60) and "answer")
    assert wait(0.01).is_late
    assert wait(-1).is_late
    released.set()
    assert wait(60).value == "answer"


def test_the_exception_of_a_call_that_was_begun_is_its_answer() -> None:
    assert isinstance(fan_out.begin(lambda: 1 // 0)(60).error, ZeroDivisionError)
