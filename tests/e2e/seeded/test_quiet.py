"""Clusters that nobody touches: nothing is said of them."""

import os
import subprocess
import time

import pytest

from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.watching import FLEET, Watch

MINUTES = float(os.environ.get("KUBEADM_FLEET_QUIET_MINUTES", "60"))
pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(60 * MINUTES + 900),
]
LOOK_SECONDS = 1


def ask(stack: PulumiStack, command: str) -> tuple[int, str]:
    """Run a command of the toolkit about all clusters; return its exit status and its output."""
    done = subprocess.run(
        [FLEET, command, stack.name], env=stack.environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_untouched_clusters_tell_nothing(fleet: PulumiStack, watch: Watch) -> None:
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline and not watch.events:
        assert watch.process.poll() is None, "the watch has ended"
        time.sleep(LOOK_SECONDS)
    assert [event.text for event in watch.events] == []
    for command in ("status", "consistency"):
        status, output = ask(fleet, command)
        assert status == 0, output
