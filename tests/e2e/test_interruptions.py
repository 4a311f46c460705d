"""Runs that are repeatedly interrupted at random moments reach the same result.

Run with `-s` to see the moments. Another seed is another run: INTERRUPTIONS_SEED.
"""

import os
import random
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.interruptions import interrupt
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access
from tests.e2e.pulumi_stack import PulumiStack
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(7200)]

SEED = int(os.environ.get("INTERRUPTIONS_SEED", "20261123"))
NODES = ["cluster1-control-plane-0", "cluster1-worker-0"]
FORMER, NEXT = "1.36.3", "1.37.2"
# How often each run is cut off, and within how many seconds of its start.
MOMENTS = {"up": (12, 25.0), "upgrade": (12, 30.0), "destroy": (8, 4.0)}


def config(network: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": FORMER,
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {"cluster1": {"machines": {"subnet": str(network)}, "workers": {"count": 1}}},
    }


def disturb(
    stack: PulumiStack, what: str, verb: str, chance: random.Random, again: Callable[[], object]
) -> None:
    """Cut the run off as often as is wanted; where it came to its end, there is `again` to do."""
    times, seconds = MOMENTS[what]
    number = 0
    while number < times:
        happened = interrupt(stack, verb, seconds, chance)
        if happened is None:
            again()
        else:
            number += 1
            print(f"{what} {number}/{times}: {happened}")


def another_setting(stack: PulumiStack, chance: random.Random) -> None:
    """Have the kubelets restarted, and the API servers."""
    stack.config["kubelet"] = {"maxPods": chance.randrange(50, 100)}
    stack.config["apiServer"] = {
        "extraArgs": {"max-requests-inflight": str(chance.randrange(400, 500))}
    }


def versions(kubectl: Kubectl) -> dict[str, str]:
    return {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in kubectl.items("get", "nodes")
    }


def is_whole(stack: PulumiStack) -> bool:
    """Whether no machine was left out."""
    summary = stack.output("clusters")["cluster1"]
    return bool(summary["ready"]) and "unavailable" not in summary


def test_interrupted_runs_are_resumed_to_the_same_result() -> None:
    chance = random.Random(SEED)
    with workshop() as folder, subnet(86) as network:
        stack = PulumiStack(folder, "test", config(network))
        stack.create()
        marks: set[str] = {str(folder)}
        try:
            disturb(stack, "up", "up", chance, again=stack.destroy)
            stack.up()
            marks |= stack.marks()
            kubectl = access(stack)
            assert kubectl.node_names() == NODES
            assert versions(kubectl) == dict.fromkeys(NODES, f"v{FORMER}")
            assert is_whole(stack)
            assert (run := stack.up()).changes == {}, run.output

            stack.config["kubernetesVersion"] = NEXT
            disturb(stack, "upgrade", "up", chance, lambda: another_setting(stack, chance))
            stack.up()
            assert versions(kubectl) == dict.fromkeys(NODES, f"v{NEXT}")
            assert is_whole(stack)
            assert (run := stack.up()).changes == {}, run.output

            disturb(stack, "destroy", "destroy", chance, again=stack.up)
        finally:
            marks |= stack.marks()
            stack.destroy()
        left = host.parts(*marks - {str(folder)})
        assert not any(left.values()), left
        assert list(stack.machines.glob("*/*")) == []
