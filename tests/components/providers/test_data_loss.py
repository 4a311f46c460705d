"""The loss of an only control plane, with the real engine and no machines."""

import json
from pathlib import Path

import pytest

from tests.small_stack import Finished, Stack

pytestmark = pytest.mark.slow

PROGRAM = """
from types import SimpleNamespace

import pulumi

from components.announcement import announce
from components.providers.initialization import Initialization, InitializationArgs
from tests.components.providers.box import Box, BoxArgs, Join, JoinArgs

config = pulumi.Config()
names, words = config.require_object("names"), config.get("words") or ""
announce(SimpleNamespace(clusters=[SimpleNamespace(
    name="cluster1", control_planes=[], workers=[], data_loss=words, machines=[],
    upgrade=SimpleNamespace(max_unavailable=1, pool_limits={}),
)]))
boxes = {name: Box(name, BoxArgs(size=config.require("size"))) for name in names}
initialization = Initialization("initialization", InitializationArgs(
    cluster="cluster1", nodes=names, first=boxes[names[0]].id, data_loss=words,
))
Join("init", JoinArgs(config.require("file"), initialization.id, ""))
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A cluster with one control plane."""
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    (tmp_path / "stack").mkdir()
    stack = Stack(tmp_path / "stack", PROGRAM)
    stack.configure(names=json.dumps(["cp-b"]), size="small", file=str(tmp_path / "file"))
    made = stack.up()
    assert made.status == 0, made.output
    return stack


def steps(finished: Finished) -> dict[str, str]:
    return finished.steps()


def test_consent_initializes_again_only_for_a_loss(stack: Stack) -> None:
    stack.configure(words="TICKET-1")
    assert steps(stack.preview()) == steps(stack.up()) == {"initialization": "update"}
    stack.configure(size="large")
    for finished in (stack.preview(), stack.up()):
        assert finished.status != 0
        assert "was given for an earlier loss" in finished.output
        assert not steps(finished).keys() & {"cp-b", "init"}
    stack.configure(words="TICKET-2")
    assert steps(stack.preview()).keys() == {"cp-b", "initialization", "init"}
    assert steps(stack.up()).keys() == {"cp-b", "initialization", "init"}
    assert steps(stack.up()) == {}


def test_control_planes_that_join_or_stay_initialize_nothing(stack: Stack) -> None:
    stack.configure(names=json.dumps(["cp-a", "cp-b"]))
    for finished in (stack.preview(), stack.up()):
        assert steps(finished) == {"cp-a": "create", "initialization": "update"}
    stack.configure(names=json.dumps(["cp-a"]))
    assert steps(stack.up()) == {"cp-b": "delete", "initialization": "update"}


def test_an_only_control_plane_under_another_name_is_refused(stack: Stack) -> None:
    stack.configure(names=json.dumps(["cp-c"]))
    for finished in (stack.preview(), stack.up()):
        assert finished.status != 0
        assert "cp-b is the only control plane of cluster1" in finished.output
        assert "cp-b" not in steps(finished), finished.output
