"""How many members etcd can lose, at once and in one run."""

import re

import pytest

from model import quorum

THREE = {"cp-0": "a", "cp-1": "b", "cp-2": "c"}
FIVE = {**THREE, "cp-3": "d", "cp-4": "e"}
# What a preview has for an id that only `up` will know.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.mark.parametrize(("members", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority(members: int, needed: int) -> None:
    assert quorum.majority(members) == needed


@pytest.mark.parametrize(
    "voters",
    [
        {"a": True, "b": True, "c": True},
        {"a": False, "b": True, "c": True},
        {"a": True, "b": True},
        {"a": False, "b": True},
        {"a": False, "b": False, "c": True, "d": True, "e": True},
        {"b": True},
    ],
)
def test_member_may_leave_while_the_rest_has_a_majority(voters: dict[str, bool]) -> None:
    assert quorum.removal_refusal(voters, "a") is None


@pytest.mark.parametrize(
    ("voters", "reason"),
    [
        ({"a": True}, "a is the last member"),
        ({"a": True, "b": False}, "0 of etcd's 1 members would be healthy and 1 are needed"),
        ({"a": True, "b": False, "c": True}, "1 of etcd's 2 members .* unhealthy: b"),
        ({"a": False, "b": False, "c": True}, "unhealthy: b"),
    ],
)
def test_member_may_not_leave_otherwise(voters: dict[str, bool], reason: str) -> None:
    refusal = quorum.removal_refusal(voters, "a")
    assert refusal is not None
    assert re.search(reason, refusal)


@pytest.mark.parametrize(
    ("before", "after", "dead"),
    [
        ({}, THREE, set()),
        (THREE, THREE, set()),
        (THREE, THREE, {"cp-0", "cp-1"}),
        (THREE, {**THREE, "cp-1": UNKNOWN}, set()),
        (THREE, {**THREE, "cp-0": "x"}, {"cp-0"}),
        (THREE, {"cp-0": "a"}, set()),
        (THREE, {"cp-0": "a"}, {"cp-2"}),
        ({"cp-0": "a"}, {"cp-0": "a", "cp-1": UNKNOWN, "cp-2": UNKNOWN}, set()),
        (FIVE, {**FIVE, "cp-0": "x", "cp-4": "y"}, {"cp-0", "cp-4"}),
    ],
)
def test_a_change_that_keeps_the_majority_is_allowed(
    before: dict[str, str], after: dict[str, str], dead: set[str]
) -> None:
    assert quorum.refusal(before, after, dead) is None


@pytest.mark.parametrize(
    ("before", "after", "dead", "reason"),
    [
        ({"cp-0": "a"}, {"cp-0": UNKNOWN}, set(), "none of the control planes cp-0"),
        (
            THREE,
            dict.fromkeys(THREE, UNKNOWN),
            set(),
            "none of the control planes cp-0, cp-1, cp-2 .* cp-0 in this run, with cp-1, cp-2 in",
        ),
        (THREE, {"cp-0": "x"}, set(), "none of the control planes"),
        (
            THREE,
            {**THREE, "cp-1": "x"},
            {"cp-1", "cp-2"},
            "cp-1, cp-2 of 3 control planes are dead",
        ),
        (THREE, {**THREE, "cp-0": "x", "cp-1": "y"}, set(), "cp-0, cp-1 would be replaced"),
        (THREE, {**THREE, "cp-0": "x"}, {"cp-2"}, "cp-0, cp-2 would be replaced or are dead"),
        (
            FIVE,
            {**FIVE, "cp-0": "x", "cp-4": "y"},
            set(),
            "cp-0, cp-4 .* while all others are healthy",
        ),
        (
            FIVE,
            {**FIVE, "cp-0": "x"},
            {"cp-4"},
            "cp-0, cp-4 .* one per run, dead ones first: cp-4 in this run, with cp-0 in the config",
        ),
        (THREE, {"cp-0": "a"}, {"cp-1"}, "cp-1 is dead, .* when cp-2 leaves"),
        (THREE, {"cp-0": "a"}, {"cp-0"}, "cp-0 is dead, .* when cp-2 leaves"),
        ({"cp-0": "a", "cp-1": "b"}, {"cp-0": "a"}, {"cp-1"}, "lost quorum"),
    ],
)
def test_a_change_that_loses_the_majority_is_rejected(
    before: dict[str, str], after: dict[str, str], dead: set[str], reason: str
) -> None:
    refusal = quorum.refusal(before, after, dead)
    assert refusal is not None
    assert re.search(reason, refusal)
