"""API servers send audit events to a server too, which fails for a while and changes its token.

One machine. Its own log is complete whatever happens to that server. Run with `-s` for the
figures; the tests run in order.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from model.config.address_blocks import GATEWAY
from scripts.bench.subnet import subnet
from tests.e2e import stored
from tests.e2e.audit_receiver import AuditReceiver, receiving
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

PLANE = "cluster1-control-plane-0"
ANOTHER_TOKEN = "an-unmistakable-token"
WEBHOOK = {"kubeconfig": "auditWebhook"}
# An API server sends what it has collected in 30 s, and tries again after 10, 15, 23 and 34 s.
SENT_SECONDS = 75
DOWN_SECONDS = 40
RETRIED_SECONDS = 100
WRITES = 20
SLOWEST_SECONDS = 3


@pytest.fixture(scope="module")
def fleet() -> Iterator[tuple[PulumiStack, AuditReceiver]]:
    with subnet(88) as network, receiving(str(network[GATEWAY]), "first") as receiver:
        config: dict[str, Any] = {
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {"cluster1": {"machines": {"subnet": str(network)}}},
        }
        with living(config) as stack:
            yield stack, receiver


@pytest.fixture(scope="module")
def cluster(fleet: tuple[PulumiStack, AuditReceiver]) -> Kubectl:
    return access(fleet[0])


def write(cluster: Kubectl, name: str) -> None:
    """Make ConfigMaps; the API keeps no request waiting."""
    for index in range(WRITES):
        began = time.monotonic()
        cluster("create", "configmap", f"{name}-{index}")
        assert time.monotonic() - began < SLOWEST_SECONDS


def recorded(stack: PulumiStack, name: str) -> set[str]:
    """Return the ids of the events in the control plane's own log: all of them."""
    events = stored.audit_events(Machines(stack), PLANE, f"/configmaps/{name}-")
    events += stored.audit_events(Machines(stack), PLANE, f'"name":"{name}-')
    assert {event["objectRef"]["name"] for event in events} == {
        f"{name}-{index}" for index in range(WRITES)
    }
    return {event["auditID"] for event in events}


def await_events(receiver: AuditReceiver, wanted: set[str], seconds: float) -> None:
    began = time.monotonic()
    await_true(lambda: wanted <= receiver.ids(""), "all events to be received", seconds)
    print(f"\n{len(wanted)} events after {time.monotonic() - began:.0f} s")


def test_events_are_received(fleet: tuple[PulumiStack, AuditReceiver], cluster: Kubectl) -> None:
    stack, receiver = fleet
    stack.secrets["auditWebhook"] = receiver.kubeconfig()
    stack.config["clusters"]["cluster1"]["security"] = {"audit": {"webhook": WEBHOOK}}
    began = time.monotonic()
    stack.up()
    print(f"\nwith a webhook: {time.monotonic() - began:.0f} s")
    write(cluster, "one")
    await_events(receiver, recorded(stack, "one"), SENT_SECONDS)
    assert receiver.refused == 0


def test_a_receiver_that_is_unavailable_delays_nothing_and_gets_its_events_later(
    fleet: tuple[PulumiStack, AuditReceiver], cluster: Kubectl
) -> None:
    stack, receiver = fleet
    receiver.stop()
    until = time.monotonic() + DOWN_SECONDS
    write(cluster, "two")
    await_true(lambda: time.monotonic() > until, "a while without a receiver", DOWN_SECONDS + 9)
    wanted = recorded(stack, "two")
    assert not wanted & receiver.ids("")
    assert (run := stack.preview()).changes == {}, run.output
    receiver.start()
    await_events(receiver, wanted, RETRIED_SECONDS)


def test_another_token_reaches_the_api_server(
    fleet: tuple[PulumiStack, AuditReceiver], cluster: Kubectl
) -> None:
    stack, receiver = fleet
    receiver.token = ANOTHER_TOKEN
    write(cluster, "three")
    await_true(lambda: receiver.refused > 0, "events with the former token", SENT_SECONDS)
    stack.secrets["auditWebhook"] = receiver.kubeconfig()
    preview = stack.preview()
    assert "the secret files of its API server changed" in preview.output
    assert ANOTHER_TOKEN not in preview.output
    stack.up()
    write(cluster, "four")
    await_events(receiver, recorded(stack, "four"), SENT_SECONDS)
    recorded(stack, "three")
