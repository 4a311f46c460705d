"""Clusters that nobody touches: nothing is said of them."""

import os
import time

import pytest

from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.asking import command_of
from tests.e2e.seeded.watching import Watch

MINUTES = float(os.environ.get("KUBEADM_FLEET_QUIET_MINUTES", "60"))
pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(60 * MINUTES + 900),
]
LOOK_SECONDS = 1


def test_untouched_clusters_tell_nothing(fleet: PulumiStack, watch: Watch) -> None:
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline and not watch.events:
        assert watch.process.poll() is None, "the watch has ended"
        time.sleep(LOOK_SECONDS)
    assert [event.text for event in watch.events] == []
    for command in ("status", "consistency"):
        done = command_of(fleet, command)
        assert done.returncode == 0, done.stdout + done.stderr
