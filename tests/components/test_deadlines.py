"""Deadlines of a machine's steps fit what the steps wait for."""

import re

import pytest

from components.machine import (
    INIT_SECONDS,
    JOIN_SECONDS,
    PREPARE_SECONDS,
    RESTART_SECONDS,
    endpoint_seconds,
)
from model.fleet import CONTROL_PLANE, WORKER
from model.pki.certificates import JOIN_VALID
from ops.hosts.scripts import read


def seconds_of(script: str, name: str) -> int:
    """Return a constant of a node script."""
    found = re.search(rf"^{name}=(\d+)$", read(script), re.MULTILINE)
    assert found
    return int(found[1])


def test_a_worker_waits_as_long_as_its_control_plane_may_take() -> None:
    assert endpoint_seconds(WORKER, has_snapshot=False) >= PREPARE_SECONDS + INIT_SECONDS
    assert endpoint_seconds(WORKER, has_snapshot=True) > PREPARE_SECONDS + INIT_SECONDS


@pytest.mark.parametrize("role", [CONTROL_PLANE, WORKER])
@pytest.mark.parametrize("has_snapshot", [False, True])
def test_a_join_ends_before_its_credential(role: str, has_snapshot: bool) -> None:
    waits = endpoint_seconds(role, has_snapshot=has_snapshot)
    assert waits + JOIN_SECONDS <= JOIN_VALID.total_seconds()


def test_the_waits_of_a_step_end_before_the_step_does() -> None:
    """Only then does the operator read what was waited for."""
    assert seconds_of("packages", "APT_SECONDS") < PREPARE_SECONDS / 2
    assert seconds_of("worker", "REGISTERED_SECONDS") < JOIN_SECONDS
    assert seconds_of("control-plane", "MEMBER_SECONDS") < JOIN_SECONDS
    assert endpoint_seconds(CONTROL_PLANE, has_snapshot=True) == RESTART_SECONDS
