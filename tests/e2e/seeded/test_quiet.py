"""Clusters that nobody touches: nothing is said of them."""

import os
import time

import pytest

from tests.e2e.asking import command_of
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.conftest import CLUSTERS
from tests.e2e.seeded.watching import Watch
from tests.waiting import await_true

MINUTES = float(os.environ.get("KUBEADM_FLEET_QUIET_MINUTES", "60"))
pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(60 * MINUTES + 900),
]
LOOK_SECONDS = 1


def test_untouched_clusters_tell_nothing(fleet: PulumiStack, watch: Watch) -> None:
    assert len(CLUSTERS) >= 3
    await_true(lambda: watch.nodes() == dict.fromkeys(CLUSTERS, 2), "the watch to see every Node")
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline and not watch.events:
        assert watch.process.poll() is None, "the watch has ended"
        time.sleep(LOOK_SECONDS)
    assert [event.text for event in watch.events] == []
    assert watch.nodes() == dict.fromkeys(CLUSTERS, 2), "it still sees them"
    for command in ("status", "consistency"):
        done = command_of(fleet, command)
        assert done.returncode == 0, done.stdout + done.stderr
