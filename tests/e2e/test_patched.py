"""Security updates of the only machine of a cluster, which reboots."""

import re
from collections.abc import Iterator

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.updates import BOOT, INSTALLED, offer, prepare, states

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]
MACHINE = "one-control-plane-0"
FIRST, NEXT = "20261126T214000Z", "20261203T080000Z"
# systemd gives containers that nobody ends 90 s, and a kubelet that finds the former boot's cgroups
# waits 3 s for each.
REBOOT_SECONDS = 120


@pytest.fixture(scope="module")
def stack() -> Iterator[PulumiStack]:
    with subnet(85) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "one": {"machines": {"subnet": str(network)}, "controlPlanes": {"count": 1}}
            },
        }
        with living(config) as made:
            prepare(made)
            yield made


def test_a_machine_is_patched_rebooted_and_serves_again(stack: PulumiStack) -> None:
    offer(stack, "2")
    before = states(stack, BOOT)
    stack.config["upgrades"] = {"securityUpdates": FIRST}
    preview = stack.preview()
    assert f"{MACHINE}: security updates as of {FIRST}, if there are any: not drained" in (
        preview.output
    )
    assert "the API is unavailable for about 60 s" in preview.output
    said = stack.up().output
    print("\n".join(line for line in said.splitlines() if MACHINE in line))
    assert f"{MACHINE}: updated: fleet-test 2" in said
    assert states(stack, INSTALLED) == {MACHINE: "2"}
    assert states(stack, BOOT) != before
    (seconds,) = re.findall(rf"^ +{MACHINE}: rebooted in (\d+) s", said, re.MULTILINE)
    assert int(seconds) < REBOOT_SECONDS
    (node,) = access(stack).items("get", "nodes")
    assert "unschedulable" not in node["spec"]
    assert stack.up().changes == {}


def test_the_next_round_without_updates_reboots_nothing(stack: PulumiStack) -> None:
    before = states(stack, BOOT)
    stack.config["upgrades"] = {"securityUpdates": NEXT}
    stack.up()
    assert states(stack, BOOT) == before
    assert states(stack, "cat /var/lib/kubeadm-fleet/patched") == {MACHINE: NEXT}
    stack.config["upgrades"] = {}
    assert states(stack, BOOT) == before
    stack.up()
    assert states(stack, "cat /var/lib/kubeadm-fleet/patched") == {MACHINE: NEXT}
