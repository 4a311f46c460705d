"""Whose clock is off, given what each was compared with."""

from typing import Any

import pytest

from model.status import clocks
from model.status.clocks import Clocks

# A cluster of one control plane, n0, compared with itself.
ONE, THREE = ("n0",), ("n0", "n1", "n2")


def off(
    machines: dict[str, int] | None = None,
    planes: tuple[str, ...] = ONE,
    host: float | None = 0.3,
    **servers: float,
) -> dict[str, float]:
    """Return who is off, `host` for this host."""
    verdict = clocks.judge(Clocks(machines or {}, planes, servers, host))
    found: dict[str, float] = {node: round(each) for node, each in verdict.machines.items()}
    return found | ({"host": round(verdict.host)} if verdict.host is not None else {})


CASES: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "nobody": ({"machines": {"n0": 0, "w0": 0, "w1": 0}}, {}),
    "nothing was measured": ({"host": None}, {}),
    "a worker": ({"machines": {"n0": 0, "w0": -252, "w1": 0}}, {"w0": -252}),
    "a worker, and this host is not known": (
        {"machines": {"n0": 0, "w0": -252}, "host": None},
        {"w0": -252},
    ),
    "two workers, differently": (
        {"machines": {"n0": 0, "w0": -252, "w1": 90, "w2": 0}},
        {"w0": -252, "w1": 90},
    ),
    "the control plane": (
        {"machines": {"n0": 0, "w0": -600, "w1": -601}, "host": -599.5},
        {"n0": 600},
    ),
    "the control plane, one worker agrees with this host": (
        {"machines": {"n0": 0, "w0": -600}, "host": -600.2},
        {"n0": 600},
    ),
    "the control plane and a worker": (
        {"machines": {"n0": 0, "w0": -600, "w1": -600, "w2": -500}, "host": -600.0},
        {"n0": 600, "w2": 100},
    ),
    "the control plane, and this host": (
        {"machines": {"n0": 0, "w0": -600, "w1": -600, "w2": -601}, "host": 50.0},
        {"n0": 600, "host": 650},
    ),
    "this host": ({"machines": {"n0": 0, "w0": 0}, "host": 300.0}, {"host": 300}),
    "this host, or the only machine": ({"machines": {"n0": 0}, "host": 300.0}, {"host": 300}),
    "this host, or a cluster of others": ({"planes": (), "host": -300.0}, {"host": -300}),
    "one of three control planes": (
        {"machines": {"w0": 0}, "planes": THREE, "n0": 0.0, "n1": 600.0, "n2": 0.4},
        {"n1": 600},
    ),
    "the one of three that answers": (
        {
            "machines": {"n0": 0, "w0": -600, "w1": 0},
            "planes": THREE,
            "n0": 0.0,
            "n1": -600.0,
            "n2": -599.0,
            "host": -600.4,
        },
        {"n0": 599},
    ),
    "a worker of three control planes": (
        {"machines": {"w0": 90, "w1": 0}, "planes": THREE, "n0": 0.0, "n1": 0.0, "n2": 0.0},
        {"w0": 90},
    ),
    "a worker, and one of three control planes": (
        {"machines": {"w0": 90}, "planes": THREE, "n0": 0.0, "n1": 600.0, "n2": 0.0},
        {"n1": 600, "w0": 90},
    ),
    "two control planes: this host decides": (
        {"planes": ("n0", "n1"), "n0": 0.0, "n1": 600.0, "host": 600.0},
        {"n0": -600},
    ),
    "little": ({"machines": {"n0": 0, "w0": 5}, "host": -4.9}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_right_is_what_most_agree_on(case: str) -> None:
    given, expected = CASES[case]
    assert off(**given) == expected


def test_what_is_said_has_the_difference_and_its_direction() -> None:
    verdict = clocks.judge(Clocks({"n0": 0, "w0": -252, "w1": 0}, ONE, host=0.0))
    (condition,) = clocks.conditions("c", verdict).values()
    assert (condition.kind, condition.name, condition.reason) == ("Node", "w0", "ClockSkew")
    assert condition.message.startswith("its clock is 4 min 12 s behind the API server's: ")
    verdict = clocks.judge(Clocks({"w0": -600, "w1": -600}, ONE, host=-600.0))
    (condition,) = clocks.conditions("c", verdict).values()
    assert condition.name == "n0"
    assert condition.message.startswith("its clock is 10 min ahead of those of most others: ")
    own = clocks.of_host("ops", {"a": -300.2, "b": -299.0, "c": -301.0})
    assert "the host ops, which asks, is 5 min behind that of all 3 clusters" in own.message
    assert (own.cluster, own.reason) == ("", "OwnClockSkew")
    other = clocks.of_cluster("c", -90.0)
    assert "the clock of its API server is 1 min 30 s ahead of this host's: " in other.message


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (6.4, "6 s ahead of"),
        (-59.6, "1 min behind"),
        (-252, "4 min 12 s behind"),
        (7200, "2 h ahead of"),
        (-90061, "1 d 1 h behind"),
    ],
)
def test_a_difference_is_text_for_people(ahead: float, text: str) -> None:
    assert clocks.difference(ahead) == text
