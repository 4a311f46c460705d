"""Security updates of the only machine of a cluster, which reboots."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.asking import command_of
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.updates import BOOT, INSTALLED, offer, prepare, states

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]
MACHINE = "one-control-plane-0"
NEXT = "20991203T080000Z"
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


def patch(stack: PulumiStack, option: str) -> "subprocess.CompletedProcess[str]":
    done = command_of(stack, "patch", option)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_machine_is_patched_rebooted_and_serves_again(stack: PulumiStack) -> None:
    offer(stack, "2")
    before = states(stack, BOOT)
    assert f"{MACHINE}:\n  fleet-test 1 -> 2\n" in patch(stack, "--dry-run").stdout
    patch(stack, "--write-only")
    stack.read_config()
    first = stack.config["clusters"]["one"]["upgrades"]["securityUpdates"]
    preview = stack.preview()
    assert f"{MACHINE}: security updates as of {first}, if there are any: not drained" in (
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
    written = stack.config_file.read_text()
    assert "nothing is pending" in patch(stack, "--write-only").stderr
    assert stack.config_file.read_text() == written
    stack.config["clusters"]["one"]["upgrades"] = {"securityUpdates": NEXT}
    stack.up()
    assert states(stack, BOOT) == before
    assert states(stack, "cat /var/lib/kubeadm-fleet/patched") == {MACHINE: NEXT}
    stack.config["clusters"]["one"]["upgrades"] = {}
    assert states(stack, BOOT) == before
    stack.up()
    assert states(stack, "cat /var/lib/kubeadm-fleet/patched") == {MACHINE: NEXT}
