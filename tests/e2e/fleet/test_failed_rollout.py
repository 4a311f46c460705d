"""A failure of a rollout stops only its own cluster, and is reported once."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops.nspawn.spec import MachineSpec
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow]


def test_dependents_of_a_failed_rollout_report_nothing(fleet: PulumiStack) -> None:
    fleet.config["kubelet"] = {"maxPods": 60}
    with unplugged(fleet, "cluster1", "cluster1-control-plane-0"):
        failed = fleet.run("up", "--yes", "--skip-preview", "--parallel", "32")
    assert failed.status != 0
    assert "cluster1-control-plane-0: " in failed.output
    assert "Traceback" not in failed.output
    touched = set(failed.steps("update", "replace", "delete", "create"))
    assert "cluster2-rollout" in touched
    assert [name for name in touched if "cluster1" in name] == ["cluster1-rollout"]
    assert "cluster1-rollout" in fleet.up().steps("update")


@contextmanager
def unplugged(stack: PulumiStack, cluster: str, machine: str) -> Iterator[None]:
    """Make the machine unreachable until the end of the block."""
    spec = MachineSpec.read(stack.machines / cluster / machine)
    assert spec
    subprocess.run(["ip", "link", "set", spec.link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", spec.link, "up"], check=True)
