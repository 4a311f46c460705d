"""What a rollout of one kubelet setting asks of the API, by the number of Nodes.

Run as a program it prints a line for each number: requests and bytes (scripts/bench/rollouts.py).
"""

import sys
from dataclasses import dataclass
from typing import Any

from ops.kube import client
from ops.kube.node import metadata_patch
from ops.rollout.cluster_nodes import RECORD, ClusterNodes
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.order import RolloutRun
from ops.rollout.progress import Progress
from tests.ops.kube import large_cluster
from tests.ops.kube.api_server import Api, serving
from tests.ops.kube.pod_fixture import NODES_PATH
from tests.ops.rollout.examples import CLUSTER, KUBELET, inputs
from tests.ops.rollout.fakes import FakeFleet, alike, limits_of, machines_of

AT_ONCE = 10
CONFIGURATIONS = "GET /api/v1/namespaces/kube-system/configmaps"


@dataclass(frozen=True)
class Cost:
    """Requests, and bytes of the answers to them."""

    requests: int
    bytes: int


def cost(nodes: int) -> Cost:
    """Roll the setting out over so many Nodes, machines being fake and the client real."""
    with serving() as api:
        fleet = _fleet(nodes)
        cluster = DesiredCluster.of(fleet.props)
        _serve(api, cluster)
        RolloutRun(
            cluster,
            machines_of(fleet),
            ClusterNodes(client.of(api.kubeconfig), drain_seconds=60, force=False),
            Progress(fleet.log),
            limits=limits_of({**fleet.props["policy"], "max_unavailable": AT_ONCE}),
        ).run()
        assert len(fleet.called("apply_kubelet")) == nodes
        return Cost(len(api.asked), sum(api.sizes))


def _fleet(nodes: int) -> FakeFleet:
    before = inputs(client_set="", front_proxy_set="")
    machines: dict[str, Any] = before["machines"]
    workers = {f"a-worker-{n}": machines["a-worker-0"] for n in range(nodes - 3)}
    planes = {name: each for name, each in machines.items() if each["role"] != "worker"}
    before["machines"] = {**planes, **workers}
    before["machine_ids"] = {name: f"id of {name}" for name in before["machines"]}
    after = {**before, "kubelet_document": KUBELET.replace("110", "100")}
    return FakeFleet(after, alike(before))


def _serve(api: Api, cluster: DesiredCluster) -> None:
    nodes = [_node(machine) for machine in cluster.machines]
    api.lists[NODES_PATH] = nodes
    for node in nodes:
        api.answers[f"GET {NODES_PATH}/{node['metadata']['name']}"] = (200, node)
        api.answers[f"PATCH {NODES_PATH}/{node['metadata']['name']}"] = (200, node)
    api.lists["/api/v1/pods"] = api.lists["/api/v1/namespaces/kube-system/pods"] = []
    for name, data in (
        ("kubeadm-config", {"ClusterConfiguration": CLUSTER}),
        ("kubelet-config", {}),
        ("extension-apiserver-authentication", {}),
        ("kubeadm-fleet-encryption", {"writer": cluster.writer}),
    ):
        api.answers[f"{CONFIGURATIONS}/{name}"] = (200, {"metadata": {}, "data": data})
    # The API answers with the whole object.
    api.answers[f"PATCH {RECORD}"] = lambda: (200, api.sent[f"PATCH {RECORD}"])


def _node(machine: DesiredMachine) -> dict[str, Any]:
    """Return a Node with the labels and taints that the program set on it."""
    node = large_cluster.node(machine.name)
    patch = metadata_patch(node, machine.labels, machine.taints)
    metadata = {**node["metadata"], **patch["metadata"], "resourceVersion": "1"}
    return {**node, "metadata": metadata, "spec": patch["spec"]}


if __name__ == "__main__":
    for number in map(int, sys.argv[1:]):
        found = cost(number)
        print(number, found.requests, found.bytes)
