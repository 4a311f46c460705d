"""What a run says of security settings that it weakens or restores, with the real engine."""

from pathlib import Path

import pytest
from rich.console import Console

from ops.pulumi.events import parse_all
from scripts.fleet.changes import Changes
from scripts.fleet.summary import summary
from tests.small_stack import Finished, Stack

PROGRAM = """
import json
import pulumi

lines = json.loads(pulumi.Config().require("exceptions"))

class Cluster(pulumi.ComponentResource):
    def __init__(self) -> None:
        super().__init__("kubeadm-fleet:cluster:Cluster", "c1")
        self.register_outputs({"summary": {}, "exceptions": lines})

Cluster()
"""
NEW = "New exceptions from the security defaults:"
ENDED = "No longer exceptions from the security defaults:"


def said(finished: Finished) -> str:
    assert finished.status == 0, finished.output
    changes = Changes()
    changes.process(parse_all(finished.events))
    changes.finish()
    console = Console(width=100)
    with console.capture() as capture:
        console.print(summary(changes, "test", preview=True))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


@pytest.mark.slow
def test_a_preview_names_what_becomes_weaker_and_what_no_longer_is(tmp_path: Path) -> None:
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(exceptions='["a is none: x"]')
    created = said(stack.up())
    assert f"{NEW}\n  c1: a is none: x\n" in created
    assert NEW not in said(stack.preview()), "an exception that is known is not repeated"

    stack.configure(exceptions='["b is [bold]none: y"]')
    for finished in (stack.preview(), stack.up()):
        text = said(finished)
        assert f"{NEW}\n  c1: b is [bold]none: y\n" in text
        assert f"{ENDED}\n  c1: a is none: x\n" in text
    assert "exceptions" not in said(stack.up())
