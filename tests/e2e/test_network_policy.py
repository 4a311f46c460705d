"""networkPolicy calico: policies hold on every Node, from a pod's first moment, after a boot.

Beside flannel, and with Calico's own network.
"""

import copy
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.asking import command_of
from tests.e2e.failures import cut_power, restore_power
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.policed_pods import PORT, Pods
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
# What carries packets between Nodes, by network.
DEVICES = {"flannel": "flannel.1", "calico": "vxlan.calico"}
# What Felix may take on a Node of a small cluster; it was measured at 90 MB.
MOST_MEMORY = 150 << 10
# What is charged to its cgroup, of either version.
CHARGED = """
  of() { awk -F : "$1" "/proc/$(pidof calico-node)/cgroup"; }
  cat "/sys/fs/cgroup/memory$(of '$2 == "memory" {print $3}')/memory.usage_in_bytes" 2>/dev/null ||
    cat "/sys/fs/cgroup$(of '$1 == 0 {print $3}')/memory.current"
"""
HOLDS_SECONDS = 5
DENY: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
FROM_CLIENTS: dict[str, Any] = {
    "podSelector": {"matchLabels": {"app": "server"}},
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}],
}
TO_SERVERS_AND_DNS: dict[str, Any] = {
    "podSelector": {},
    "policyTypes": ["Egress"],
    "egress": [
        {"to": [{"podSelector": {"matchLabels": {"app": "server"}}}]},
        {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]},
    ],
}


@pytest.fixture(scope="module", params=["flannel", "calico"])
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fleet(network: str) -> Iterator[PulumiStack]:
    with subnet(93) as machines:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "security": {"namespaces": {"denied": {"defaultDeny": True}}},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(machines)},
                    "network": network,
                    "networking": {"networkPolicy": "calico"},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


@pytest.fixture(scope="module")
def machines(fleet: PulumiStack) -> Machines:
    return Machines(fleet)


@pytest.fixture(scope="module")
def outside(kubectl: Kubectl) -> str:
    """The address of a server that no policy protects: only those of its clients can."""
    return Pods(kubectl, "outside").serve("server-0", PLANE)


@pytest.fixture(scope="module")
def pods(kubectl: Kubectl, outside: str) -> Pods:
    """A server on the worker; clients and others, who try what is outside, on both Nodes."""
    pods = Pods(kubectl, "policed")
    server = pods.serve("server-0", WORKER)
    for name, node in (("near", WORKER), ("far", PLANE)):
        pods.attempt(f"client-{name}", node, server, ready=False)
        pods.attempt(f"other-{name}", node, outside, ready=False)
    pods("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    return pods


def reach(pods: Pods) -> set[str]:
    """Return which pods reach the server now: all try it at the same time."""
    server = pods.address("server-0")
    names = ("client-near", "client-far", "other-near", "other-far")
    with ThreadPoolExecutor(len(names)) as pool:
        reached = pool.map(lambda name: pods.reaches(name, server), names)
        return {name for name, there in zip(names, reached, strict=True) if there}


def test_without_a_policy_everyone_is_reached(
    fleet: PulumiStack, network: str, machines: Machines, pods: Pods
) -> None:
    assert len(reach(pods)) == 4
    assert pods.resolves("client-far")
    for machine in (PLANE, WORKER):
        links = {link for link in DEVICES.values() if has_link(machines, machine, link)}
        assert links == {DEVICES[network]}
    for machine in (PLANE, WORKER):
        assert host_reaches(machines, machine, pods.address("server-0"))
    assert pods.connects("client-near", f"{link_local(machines, pods)}%eth0", 22)
    assert fleet.up().changes == {}


def test_a_policy_cuts_what_it_does_not_allow(machines: Machines, pods: Pods) -> None:
    server = pods.address("server-0")
    pods.allow("deny", **DENY)
    await_true(lambda: not reach(pods), "all connections to be cut", HOLDS_SECONDS)
    assert not pods.resolves("client-far")
    assert not host_reaches(machines, PLANE, server), "a host is a stranger to other Nodes' pods"
    assert host_reaches(machines, WORKER, server), "kubelets reach the pods of their own Node"
    assert not pods.connects("client-near", f"{link_local(machines, pods)}%eth0", 22)
    pods.allow("servers", **FROM_CLIENTS)
    pods.allow("egress", **TO_SERVERS_AND_DNS)
    clients = {"client-near", "client-far"}
    await_true(lambda: reach(pods) == clients, "clients alone to be let through", HOLDS_SECONDS)
    assert pods.resolves("client-near")
    assert pods.resolves("other-far")


def test_policies_hold_in_a_pod_s_first_moment(pods: Pods, outside: str) -> None:
    """The others' first attempts are cut, and at most the first one of clients."""
    targets = {"client": pods.address("server-0"), "other": outside}
    names = [f"{kind}-new-{place}" for kind in targets for place in (WORKER, PLANE)]
    for name in names:
        kind, _, node = name.partition("-new-")
        pods.attempt(name, node, targets[kind], ready=False)
    for name in names:
        pods("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
    for name in names:
        await_true(lambda name=name: len(pods.answers(name)) > 2, "attempts")  # type: ignore[misc]
        answers = pods.answers(name)
        if name.startswith("client"):
            # Another Node may hear of the pod's address a moment later.
            assert set(answers[1:]) == {"reached"}, (name, answers)
        else:
            assert set(answers) == {"missed"}, name
    pods("delete", "pod", *names)


def test_a_namespace_of_the_config_denies_everything_but_dns(
    kubectl: Kubectl, outside: str
) -> None:
    denied = Pods(kubectl, "denied")
    server = denied.serve("server-0", WORKER)
    denied.attempt("client-0", PLANE, server)
    await_true(lambda: len(denied.answers("client-0")) > 2, "attempts")
    assert set(denied.answers("client-0")) == {"missed"}
    assert not denied.reaches("client-0", outside)
    assert denied.resolves("client-0")
    denied.allow("servers", **FROM_CLIENTS)
    denied.allow("egress", **TO_SERVERS_AND_DNS)
    await_true(lambda: denied.reaches("client-0", server), "what is allowed on top", HOLDS_SECONDS)


def test_policies_hold_while_the_engine_is_replaced(
    kubectl: Kubectl, pods: Pods, outside: str
) -> None:
    """As a new version of it is."""
    before = len(pods.answers("other-far"))
    kubectl("--namespace", "calico-system", "rollout", "restart", "daemonset/calico-node")
    pods.attempt("other-meanwhile", WORKER, outside)
    kubectl("--namespace", "calico-system", "rollout", "status", "daemonset/calico-node")
    for name, seen in (("other-far", before), ("other-meanwhile", 0)):
        assert set(pods.answers(name)[seen:]) <= {"missed"}
    clients = {"client-near", "client-far"}
    assert reach(pods) == clients
    pods("delete", "pod", "other-meanwhile")


def test_after_a_boot_no_pod_starts_before_its_policies_hold(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines, pods: Pods
) -> None:
    """Rules of the kernel are gone then; the pods that connect at once are still on the Node."""
    started = {name: restarts(pods, name) for name in ("client-near", "other-near")}
    worker = MachineSpec.read(fleet.machines / "cluster1" / WORKER)
    assert worker
    cut_power(fleet.machines, worker)
    restore_power(fleet.machines, worker)
    for name, count in started.items():
        await_true(
            lambda name=name, count=count: restarts(pods, name) > count,  # type: ignore[misc]
            f"{name} to start again",
            seconds=120,
        )
    kubectl("wait", "node", WORKER, "--for=condition=Ready", "--timeout=60s")
    pods("wait", "--for=condition=Ready", "pod/server-0", "--timeout=60s")
    await_true(lambda: len(pods.answers("other-near")) > 2, "attempts after the boot")
    assert set(pods.answers("other-near")) == {"missed"}
    # The server may have another address now.
    await_true(
        lambda: reach(pods) == {"client-near", "client-far"}, "clients to be let through", 30
    )
    assert machines.run(WORKER, "readlink /etc/cni/net.d/*").startswith("/run/")


def test_objects_of_its_network_are_compared(fleet: PulumiStack) -> None:
    (cluster,) = json.loads(command_of(fleet, "status", "--output", "json").stdout)["clusters"]
    assert cluster["reachable"]
    assert not [each for each in cluster["conditions"] if each["reason"].startswith("Object")]


def test_one_process_a_node_enforces_them(machines: Machines) -> None:
    for machine in (PLANE, WORKER):
        found = machines.run(machine, "ps -C calico-node -o rss=").split()
        charged = int(machines.run(machine, CHARGED))
        print(f"{machine}: {found} KiB resident, {charged >> 10} KiB of its cgroup")
        assert len(found) == 1
        assert int(found[0]) < MOST_MEMORY


def test_without_the_policies_everything_is_as_before(pods: Pods) -> None:
    pods("delete", "networkpolicies", "--all")
    await_true(lambda: len(reach(pods)) == 4, "all connections", HOLDS_SECONDS)


def test_a_namespace_that_the_config_no_longer_names_is_not_denied(
    fleet: PulumiStack, kubectl: Kubectl, pods: Pods, outside: str
) -> None:
    """The policies of others in it, and the namespace, stay."""
    denied = Pods(kubectl, "denied")
    before = set(denied("get", "networkpolicies", "--output", "name").split())
    denied("delete", "networkpolicy", "egress")
    assert not denied.reaches("client-0", outside)
    security = fleet.config.pop("security")
    try:
        fleet.up()
        after = set(denied("get", "networkpolicies", "--output", "name").split())
        assert {name.rpartition("/")[2] for name in before - after} == {"egress", "kubeadm-fleet"}
        await_true(
            lambda: denied.reaches("client-0", outside), "what is denied no longer", HOLDS_SECONDS
        )
        assert fleet.up().changes == {}
    finally:
        fleet.config["security"] = security
    fleet.up()
    await_true(
        lambda: not denied.reaches("client-0", outside), "what is denied again", HOLDS_SECONDS
    )


def test_a_running_cluster_keeps_its_choice(fleet: PulumiStack, network: str) -> None:
    was = copy.deepcopy(fleet.config)
    mine = fleet.config["clusters"]["cluster1"]
    if network == "flannel":
        connects, revert = "flannel with calico", "networking.networkPolicy to calico"
        mine["networking"]["networkPolicy"] = "none"
        del fleet.config["security"]
    else:
        connects, revert = "calico", "network to calico"
        mine["network"] = "flannel"
    try:
        refused = fleet.run("preview")
        assert refused.status != 0
        assert f"connected by {connects}, and the config says flannel" in refused.output
        assert f"set clusters.cluster1.{revert}." in refused.output
    finally:
        fleet.config.clear()
        fleet.config.update(was)
    assert fleet.up().changes == {}


def restarts(pods: Pods, name: str) -> int:
    path = "jsonpath={.status.containerStatuses[0].restartCount}"
    return int(pods("get", "pod", name, "--output", path) or 0)


def has_link(machines: Machines, machine: str, link: str) -> bool:
    return machines.run(machine, f"ls -d /sys/class/net/{link} 2>/dev/null || true").strip() != ""


def link_local(machines: Machines, pods: Pods) -> str:
    """Return the address of the worker's end of the link to one of its pods."""
    route = machines.run(WORKER, f"ip route get {pods.address('client-near')}").split()
    interface = route[route.index("dev") + 1]
    assert interface.startswith("cali")
    shown = machines.run(WORKER, f"ip -6 -oneline address show dev {interface} scope link").split()
    return shown[shown.index("inet6") + 1].partition("/")[0]


def host_reaches(machines: Machines, machine: str, address: str) -> bool:
    ask = f"timeout 2 bash -c 'read -r said </dev/tcp/{address}/{PORT}; [[ $said == hello ]]'"
    return machines.run(machine, f"{ask} && echo yes || echo no").strip() == "yes"
