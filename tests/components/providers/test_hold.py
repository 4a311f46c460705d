"""A wave and the rollout that it holds, with the real engine."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.ops.kube.api_server import Api
from tests.small_stack import Finished, Stack

pytestmark = pytest.mark.slow

PROGRAM = """
import pulumi

from components.providers.wave import Wave, WaveArgs
from tests.components.providers.held import Held, HeldArgs

config = pulumi.Config()
version = config.require("version")
canary = Held("canary", HeldArgs(version=version, held_by=[]))
wave = Wave(
    "wave-0",
    WaveArgs(
        clusters=["canary"],
        rolled=[canary.rolled],
        identities=[pulumi.Output.from_input(config.require_object("identity"))],
        unavailable=[pulumi.Output.from_input(list[str]())],
        soak_seconds=config.require_int("soak"),
    ),
)
other = Held("other", HeldArgs(version=version, held_by=[wave.hold]))
pulumi.export("version", other.version)
pulumi.export("waiting", other.waiting)
"""
FORMER, NEXT = "v1.36.3", "v1.36.4"
SOAK = timedelta(hours=1)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")


def let_soak(stack: Stack) -> None:
    """Have all that the providers recorded be as old as it is after the soak."""

    def earlier(moment: re.Match[str]) -> str:
        return (datetime.fromisoformat(moment[0]) - SOAK).isoformat()

    stack.replace_state(MOMENT.sub(earlier, stack.state()))


def steps(finished: Finished) -> set[str]:
    assert finished.status == 0, finished.output
    return set(finished.steps())


def test_a_held_change_is_shown_by_each_run_until_it_is_made(api: Api, tmp_path: Path) -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    node = {"metadata": {"name": "a"}, "spec": {}, "status": {"conditions": [ready]}}
    api.answers["GET /api/v1/nodes"] = (200, {"items": [node]})
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(version=FORMER, identity=json.dumps(api.identity), soak=f"{SOAK.seconds}")
    assert steps(stack.up()) == {"canary", "wave-0", "other"}
    assert stack.outputs() == {"version": FORMER, "waiting": {}}

    stack.configure(version=NEXT)
    assert steps(stack.preview()) == {"canary", "wave-0", "other"}
    changed = stack.up()
    assert steps(changed) == {"canary", "wave-0", "other"}
    found = stack.outputs()
    assert (found["version"], found["waiting"]["for"]) == (FORMER, ["canary"])
    until = datetime.fromisoformat(found["waiting"]["until"])
    shown = stack.preview()
    assert steps(shown) == {"other"}
    for run in (changed, shown):
        assert f"waits until {until:%Y-%m-%d %H:%M:%S} UTC" in run.output
        assert "a-worker-0: upgraded from v1.36.3 to v1.36.4" in run.output

    let_soak(stack)
    assert steps(stack.preview()) == {"wave-0", "other"}
    assert steps(stack.up()) == {"wave-0", "other"}
    assert stack.outputs() == {"version": NEXT, "waiting": {}}
    assert steps(stack.up()) == set()
