"""Named worker hosts, with the real engine: the first leaves, another one changes its pool."""

from pathlib import Path
from typing import Any

import pytest

from model.well_known import POOL_LABEL
from tests.e2e.kubectl import Kubectl
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.stack import HostsStack
from tests.ops.hosts.steps import changes, condition
from tests.ops.hosts.test_fleet import described, named

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]

WORKERS = ("rack1-a", "rack2-a", "rack3-a")
MAX_PODS = 30


def pooled(control_plane: BareHost, **pools: list[BareHost]) -> dict[str, Any]:
    """The config of a cluster with workers in two pools, in this order."""
    config = described({"user": USER, "sudo": True}, control_plane)
    hosts = {pool: {host.name: named(host) for host in pools[pool]} for pool in pools}
    config["clusters"]["edge"]["workers"] = {
        "pools": {
            "general": {"hosts": hosts["general"]},
            "small": {"hosts": hosts["small"], "kubelet": {"maxPods": MAX_PODS}},
        }
    }
    return config


def planned(stack: HostsStack) -> dict[str, str]:
    """What a preview would do to resources of machines, by name."""
    operations = {step["urn"].rpartition("::")[2]: step["op"] for step in stack.planned()}
    machines = tuple(f"edge-{name}" for name in ("cp", *WORKERS))
    return {
        name: operation
        for name, operation in operations.items()
        if operation != "same" and name.startswith(machines)
    }


def test_the_first_of_three_workers_leaves_and_another_one_changes_its_pool(
    lab: Lab, tmp_path: Path
) -> None:
    cp = lab.boot("cp", 11)
    workers = [lab.boot(name, last, cpus=1) for last, name in enumerate(WORKERS, start=12)]
    first, second, third = workers
    before = condition(first)
    config = pooled(cp, general=workers, small=[])
    stack = HostsStack(tmp_path / "stack", config, sshPrivateKey=lab.key.private_openssh)
    stack.create()
    stack.up()
    path = tmp_path / "kubeconfig"
    path.write_text(stack.output("kubeconfig"))
    kubectl = Kubectl(path)

    def node(host: BareHost, column: str) -> str:
        return kubectl("get", "node", f"edge-{host.name}", "--output", f"jsonpath={{{column}}}")

    uids = {host: node(host, ".metadata.uid") for host in (cp, second, third)}
    pods = node(second, ".status.capacity.pods")

    stack.config = pooled(cp, small=[], general=workers[::-1])
    assert planned(stack) == {}

    stack.config = pooled(cp, general=[second], small=[third])
    plan = planned(stack)
    deleted = {name for name, operation in plan.items() if operation == "delete"}
    assert "edge-rack1-a" in deleted
    assert all(name.startswith("edge-rack1-a") for name in deleted)
    assert set(plan.values()) <= {"delete", "update"}
    stack.up()
    assert kubectl.node_names() == ["edge-cp", "edge-rack2-a", "edge-rack3-a"]
    assert {host: node(host, ".metadata.uid") for host in uids} == uids
    assert node(third, f".metadata.labels.{POOL_LABEL}") == "small"
    assert node(third, ".status.capacity.pods") == str(MAX_PODS)
    assert node(second, ".status.capacity.pods") == pods
    assert changes(first, before) == {}
    assert (run := stack.up()).changes == {}, run.output
    assert stack.refresh().changes == {}

    stack.config = pooled(cp, general=[second], small=[])
    pools = stack.config["clusters"]["edge"]["workers"]["pools"]
    pools["small"]["hosts"] = {"other": named(third)}
    refused = stack.run("preview")
    assert refused.status != 0
    assert "cannot become edge-other" in refused.output
    stack.destroy()
