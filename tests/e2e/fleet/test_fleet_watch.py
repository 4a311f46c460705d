"""`fleet watch` over real clusters: what breaks is told once, also after a restart of the watch."""

import pytest

from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.seeded.watching import Event, Watch, watching
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]

CLUSTER, WORKER = "cluster1", "cluster1-worker-0"
# 30 on a host with room for its machines; a busy one shows nothing of that.
SLOWEST_SECONDS = 90


def of_worker(events: list[Event]) -> set[tuple[str, ...]]:
    """The conditions of these events that name the worker."""
    return {event.condition for event in events if WORKER in event.text}


def ended(watch: Watch) -> set[tuple[str, ...]]:
    return {event.condition for event in list(watch.events) if not event.began}


def test_what_breaks_is_told_once(fleet: PulumiStack, machines: Machines, cluster: Kubectl) -> None:
    with watching(fleet) as watch:
        machines.run(WORKER, "systemctl stop kubelet")
        await_true(
            lambda: any("kubelet" in event.text for event in watch.open(CLUSTER)),
            "the stopped kubelet to be told",
            SLOWEST_SECONDS,
        )
        assert {event.cluster for event in list(watch.events)} == {CLUSTER}
    told = of_worker(watch.open())
    assert told
    with watching(fleet) as restarted:
        machines.run(WORKER, "systemctl start kubelet")
        await_true(lambda: told <= ended(restarted), "the end to be told", SLOWEST_SECONDS)
        began = {event.condition for event in list(restarted.events) if event.began}
        assert not told & began, "told twice"
    cluster("wait", "--for=condition=Ready", f"node/{WORKER}", "--timeout=60s")
