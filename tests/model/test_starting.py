"""What is young enough that it may still be starting."""

from datetime import UTC, datetime, timedelta

import pytest

from model.status import starting
from model.status.condition import Condition, Severity, grouped

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def problem(name: str = "n0") -> Condition:
    return Condition(
        cluster="c",
        kind="Node",
        name=name,
        severity=Severity.ERROR,
        reason="Broken",
        message="it is broken",
    )


@pytest.mark.parametrize(
    ("age", "is_starting"),
    [
        (timedelta(), True),
        (starting.LIMIT - SECOND, True),
        (starting.LIMIT, False),
        (timedelta(days=400), False),
        # Another API server, whose clock is a bit behind.
        (-starting.SKEW, True),
        (-starting.SKEW - SECOND, False),
        (timedelta(days=-400), False),
    ],
)
def test_only_what_is_young_is_starting(age: timedelta, *, is_starting: bool) -> None:
    assert starting.is_starting(NOW - age, NOW) is is_starting


@pytest.mark.parametrize("created", [None, NOW.replace(tzinfo=None)])
def test_what_has_no_age_is_not_starting(created: datetime | None) -> None:
    assert not starting.is_starting(created, NOW)
    assert starting.judged(problem(), created, NOW) == problem()


def test_a_problem_of_something_young_is_information_with_its_age_and_its_end() -> None:
    created = NOW - 43 * SECOND
    found = starting.judged(problem(), created, NOW)
    assert not found.is_problem
    assert (found.severity, found.reason, found.since) == (Severity.INFO, "Starting", created)
    assert found.message == "starting: it is broken; normal until it is 2 minutes old"
    assert (found.cluster, found.kind, found.name) == ("c", "Node", "n0")
    old = starting.judged(problem(), NOW - starting.LIMIT, NOW)
    assert old == problem() and old.is_problem


def test_what_starts_together_is_one_row() -> None:
    both = [starting.judged(problem(f"n{age}"), NOW - age * SECOND, NOW) for age in (1, 7)]
    (row,) = grouped(both)
    assert row.since == NOW - 7 * SECOND
