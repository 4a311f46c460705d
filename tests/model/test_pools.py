"""Workers in pools: what they inherit, which names and addresses they have, what is refused."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Any

import pytest
import yaml

from model.config.address_blocks import Block, first_offset, free_offset
from model.fleet import Cluster
from model.load import load, resolve
from model.machine import ContainerSettings, Taint
from model.render import kubeadm
from model.render.machine_files import KUBELET_PATCH, machine_files
from tests.model.examples import ABSENT, CONTAINER, EXISTING, changed, cluster, host_key
from tests.model.refusals import Case, check_refused, problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
WORKERS, AT = f"{ONE}/workers", "clusters.cluster1.workers"
POOLS = {
    "labels": {"disk": "ssd", "tier": "any"},
    "cpus": 3,
    "kubelet": {"maxPods": 50, "evictionHard": {"nodefs.available": "2Gi"}},
    "pools": {
        "gpu": {
            "count": 1,
            "labels": {"tier": "gpu"},
            "taints": ["gpu=yes:NoSchedule"],
            "memory": "4Gi",
            "kubelet": {"evictionHard": {"memory.available": "200Mi"}},
            "upgrades": {"maxUnavailable": "50%"},
        },
        "general": {"count": 3},
    },
}


def pooled(**pools: Any) -> dict[str, Any]:
    return changed(CONTAINER, (WORKERS, {"pools": pools}))


def named(*names: str, first: int = 101) -> dict[str, Any]:
    """Return hosts with these names."""
    return {
        name: {"address": f"10.20.1.{last}", "hostKey": host_key(last)}
        for last, name in enumerate(names, start=first)
    }


def test_pools_inherit_what_stands_beside_them() -> None:
    described = cluster(CONTAINER, (WORKERS, POOLS))
    general, gpu = described.workers[0], described.workers[-1]
    assert [machine.name for machine in described.workers] == [
        "cluster1-general-0", "cluster1-general-1", "cluster1-general-2", "cluster1-gpu-0",
    ]  # fmt: skip
    assert general.labels == {"kubeadm-fleet/pool": "general", "disk": "ssd", "tier": "any"}
    assert gpu.labels == {"kubeadm-fleet/pool": "gpu", "disk": "ssd", "tier": "gpu"}
    assert (general.taints, gpu.taints) == ((), (Taint("gpu", "yes", "NoSchedule"),))
    assert general.kubelet == {"maxPods": 50, "evictionHard": {"nodefs.available": "2Gi"}}
    assert gpu.kubelet == {
        "maxPods": 50,
        "evictionHard": {"nodefs.available": "2Gi", "memory.available": "200Mi"},
    }
    sizes = [machine.settings for machine in (general, gpu)]
    assert [
        (size.cpus, size.memory_bytes >> 30)
        for size in sizes
        if isinstance(size, ContainerSettings)
    ] == [(3, 2), (3, 4)]


def test_kubelet_settings_of_a_pool_are_a_patch_for_kubeadm() -> None:
    described = cluster(CONTAINER, (WORKERS, POOLS))
    gpu = described.workers[-1]
    (patch,) = (file for file in machine_files(described, gpu) if file.part == KUBELET_PATCH)
    assert patch.path == "/var/lib/kubeadm-fleet/patches/kubeletconfiguration+merge.yaml"
    assert yaml.safe_load(patch.content) == gpu.kubelet
    joining = yaml.safe_load(kubeadm.join_documents(described, gpu))
    assert joining["patches"] == {"directory": "/var/lib/kubeadm-fleet/patches"}
    assert {"name": "node-labels", "value": "kubeadm-fleet/pool=gpu"} in joining[
        "nodeRegistration"
    ]["kubeletExtraArgs"]
    plain = cluster(CONTAINER)
    assert "patches" not in yaml.safe_load(kubeadm.join_documents(plain, plain.workers[0]))
    assert KUBELET_PATCH not in {file.part for file in machine_files(plain, plain.workers[0])}


def test_origin_of_an_inherited_setting_is_where_it_is_written() -> None:
    (resolved, _) = resolve(changed(CONTAINER, (WORKERS, POOLS)))
    origins = {".".join(map(str, one.path)): one.origin for one in resolved.explain()}
    own: tuple[str, ...] = ("clusters", "cluster1", "workers")
    assert origins["workers.pools.gpu.labels.disk"] == (*own, "labels", "disk")
    assert origins["workers.pools.gpu.labels.tier"] == (*own, "pools", "gpu", "labels", "tier")
    assert origins["workers.pools.gpu.kubelet.maxPods"] == (*own, "kubelet", "maxPods")
    assert origins["workers.pools.gpu.cpus"] == (*own, "cpus")
    assert origins["workers.pools.general.memory"] == ("machines", "memory")
    assert origins["workers.pools.general.upgrades.maxUnavailable"] is None
    assert not {"workers.labels.disk", "workers.count", "workers.pools"} & set(origins)


@pytest.mark.parametrize(
    ("workers", "own", "shared"),
    [
        ({"a": {"count": 9}, "b": {"count": 1}}, {}, 5),
        (
            {"a": {"count": 9, "upgrades": {"maxUnavailable": "34%"}}, "b": {"count": 2}},
            {"a": 3},
            1,
        ),
        ({"a": {"count": 9, "upgrades": {"maxUnavailable": 4}}}, {"a": 4}, 1),
    ],
)
def test_a_limit_of_a_pool_is_its_own(workers: Any, own: dict[str, int], shared: int) -> None:
    config = changed(pooled(**workers), ("upgrades", {"maxUnavailable": "50%"}))
    upgrade = load(config).clusters[0].upgrade
    assert (upgrade.pool_limits, upgrade.max_unavailable) == (own, shared)


@pytest.mark.parametrize("names", [["rack1-a"], [f"rack1-{number}" for number in range(10)]])
def test_order_means_nothing(names: list[str]) -> None:
    def described(*, reverse: bool) -> Cluster:
        def ordered(items: dict[str, Any]) -> dict[str, Any]:
            return dict(sorted(items.items(), reverse=reverse))

        hosts = EXISTING["clusters"]["cluster1"]["controlPlanes"]["hosts"]
        pools = {"a": {"hosts": ordered(named(*names))}, "b": {"hosts": named("z", first=201)}}
        return cluster(
            EXISTING,
            (f"{ONE}/controlPlanes/hosts", ordered(hosts)),
            (WORKERS, {"pools": ordered(pools)}),
        )

    assert described(reverse=False) == described(reverse=True)


def test_numbers_in_names_are_in_order() -> None:
    described = cluster(EXISTING, (f"{WORKERS}/hosts", named("rack10", "rack9", "rack9-b")))
    assert [machine.name for machine in described.workers] == [
        "cluster1-rack9", "cluster1-rack9-b", "cluster1-rack10",
    ]  # fmt: skip


def test_host_of_another_pool_is_the_same_machine() -> None:
    general = {"pools": {"general": {"hosts": named("rack1-a")}, "spare": {"hosts": {}}}}
    spare = {"pools": {"general": {"hosts": {}}, "spare": {"hosts": named("rack1-a")}}}
    (one,), (other,) = (cluster(EXISTING, (WORKERS, each)).workers for each in (general, spare))
    assert (one.name, one.settings) == (other.name, other.settings)
    assert (one.pool, other.pool) == ("general", "spare")


@pytest.mark.parametrize("others", [{}, {"aaa": {"count": 2}, "zzz": {"count": 2}}])
def test_addresses_of_a_pool_depend_on_its_name_alone(others: dict[str, Any]) -> None:
    described = load(pooled(**others, gpu={"count": 2})).clusters[0]
    addresses = {machine.name: machine.address for machine in described.workers}
    assert addresses["cluster1-gpu-0"] == "10.89.1.160"
    assert addresses["cluster1-gpu-1"] == "10.89.1.161"
    # The pool that all workers are in without pools keeps their machines.
    plain = cluster(CONTAINER).workers
    assert load(pooled(worker={"count": 1})).clusters[0].workers == plain


@pytest.mark.parametrize("subnet", ["10.89.1.0/24", "10.89.0.0/20", "10.88.0.0/14", "10.89.1.0/26"])
def test_blocks_of_pools_leave_the_control_planes_alone(subnet: str) -> None:
    network = IPv4Network(subnet)
    for number in range(300):
        block = Block(first_offset(f"pool-{number}", network), 3)
        assert block.fits(network)
        assert not block.overlaps(Block(11, 7))


def test_offered_address_is_free() -> None:
    network = IPv4Network("10.89.1.0/24")
    taken = [Block(11, 7), Block(32, 100), Block(140, 90)]
    assert free_offset(network, 8, taken) == 240
    taken.append(Block(230, 25))
    assert free_offset(network, 8, taken) == 18
    assert free_offset(network, 8, [*taken, Block(18, 14)]) == 132
    assert free_offset(network, 30, taken) is None


CONTAINERS: dict[str, Case] = {
    "a count together with pools": (
        [(WORKERS, {"count": 1, "pools": {"a": {"count": 1}}})], f"{AT}.count", "with pools: these",
    ),
    "a pool without a count": ([(WORKERS, {"pools": {"a": {}}})], f"{AT}.pools.a.count", "missing"),
    "hosts of containers": (
        [(WORKERS, {"pools": {"a": {"count": 1, "hosts": {}}}})],
        f"{AT}.pools.a.hosts", "not supported by driver container",
    ),
    "a name that is no label": (
        [(WORKERS, {"pools": {"a_b": {"count": 1}}})], f"{AT}.pools.a_b", "not the name of a pool",
    ),
    "a pool as a number": ([(WORKERS, {"pools": {"a": 3}})], f"{AT}.pools.a", "not a mapping"),
    "pools as a list": ([(WORKERS, {"pools": [3]})], f"{AT}.pools", "not a mapping"),
    "the pool's label": (
        [(f"{WORKERS}/labels", {"kubeadm-fleet/pool": "a"})],
        f'{AT}.labels["kubeadm-fleet/pool"]', "set by kubeadm-fleet",
    ),
    "an unknown field of its kubelets": (
        [(WORKERS, {"pools": {"a": {"count": 1, "kubelet": {"maxPod": 5}}}})],
        f"{AT}.pools.a.kubelet.maxPod", "did you mean maxPods?",
    ),
    "a field of its kubelets that is managed": (
        [(f"{WORKERS}/kubelet", {"clusterDNS": ["10.96.0.10"]})],
        f"{AT}.kubelet.clusterDNS", "managed by kubeadm-fleet",
    ),
    "a field of its kubelets that is too new": (
        [("kubernetesVersion", "1.35.4"),
         (WORKERS, {"pools": {"a": {"count": 1, "kubelet": {"tlsCurvePreferences": [29]}}}})],
        f"{AT}.pools.a.kubelet.tlsCurvePreferences", "not supported by the kubelet of v1.35.4",
    ),
    "more pods than a share has addresses": (
        [(WORKERS, {"pools": {"a": {"count": 1, "kubelet": {"maxPods": 300}}}})],
        f"{AT}.pools.a.kubelet.maxPods", "addresses for 253 pods",
    ),
    "more pods in every pool": (
        [(WORKERS, {"kubelet": {"maxPods": 300}, "pools": {"a": {"count": 1}, "b": {"count": 1}}})],
        f"{AT}.kubelet.maxPods", "addresses for 253 pods",
    ),
    "too little memory for one pool": (
        [(WORKERS, {"pools": {"a": {"count": 1}, "b": {"count": 1, "memory": "64Mi"}}})],
        f"{AT}.pools.b.memory", "not enough memory",
    ),
    "no limit": (
        [(WORKERS, {"pools": {"a": {"count": 1, "upgrades": {"maxUnavailable": 0}}}})],
        f"{AT}.pools.a.upgrades.maxUnavailable", "no worker could be updated",
    ),
    "taints that leave CoreDNS no place": (
        [(f"{ONE}/controlPlanes/taints", ["a:NoExecute"]),
         (WORKERS, {"taints": ["b:NoSchedule"], "pools": {"a": {"count": 1}, "b": {"count": 0}}})],
        f"{AT}.taints", "no DNS",
    ),
    "blocks that overlap": (
        [(WORKERS, {"pools": {"a": {"count": 4, "firstAddress": "10.89.1.50"},
                              "b": {"count": 4, "firstAddress": "10.89.1.53"}}})],
        f"{AT}.pools.b.firstAddress",
        "the addresses of pool b (10.89.1.53 to 10.89.1.56) overlap "
        "the addresses of pool a (10.89.1.50 to 10.89.1.53)",
    ),
    "a block of the control planes": (
        [(WORKERS, {"pools": {"a": {"count": 4, "firstAddress": "10.89.1.8"}}})],
        f"{AT}.pools.a.firstAddress",
        "overlap those reserved for control planes (10.89.1.11 to 10.89.1.17)",
    ),
    "a block that control planes may need": (
        [(WORKERS, {"pools": {"a": {"count": 1, "firstAddress": "10.89.1.17"}}})],
        f"{AT}.pools.a.firstAddress", "(10.89.1.17) overlap those reserved for control planes",
    ),
    "a block outside of the subnet": (
        [(WORKERS, {"pools": {"a": {"count": 1, "firstAddress": "10.89.7.1"}}})],
        f"{AT}.pools.a.firstAddress", "not all in the subnet 10.89.1.0/24",
    ),
    "a block that leaves the subnet": (
        [(WORKERS, {"pools": {"gpu": {"count": 96}}})],
        f"{AT}.pools.gpu.firstAddress", "(10.89.1.160 to 10.89.1.255) are not all in the subnet",
    ),
    "the name of another cluster's machine": (
        [(WORKERS, {"pools": {"b-worker": {"count": 1}}}),
         ("clusters/cluster1-b", {"machines": {"subnet": "10.89.3.0/24"},
                                  "workers": {"count": 1}})],
        "clusters.cluster1-b.workers.count",
        "also that of kubeadm-fleet:fleet.clusters.cluster1.workers.pools.b-worker.count",
    ),
    "a long name": (
        [(WORKERS, {"pools": {"a" * 53: {"count": 1}}})],
        f"{AT}.pools.{'a' * 53}", "would be longer than 63 characters",
    ),
}  # fmt: skip
HOSTS: dict[str, Case] = {
    "hosts together with pools": (
        [(f"{WORKERS}/pools", {"a": {"hosts": {}}})], f"{AT}.hosts", "with pools: these",
    ),
    "a pool without hosts": (
        [(WORKERS, {"pools": {"a": {"labels": {"a": "b"}}}})], f"{AT}.pools.a.hosts", "missing",
    ),
    "an address of hosts": (
        [(WORKERS, {"pools": {"a": {"hosts": {}, "firstAddress": "10.0.0.1"}}})],
        f"{AT}.pools.a.firstAddress", "not supported by driver existing",
    ),
    "a name twice": (
        [(WORKERS, {"pools": {"a": {"hosts": named("x")}, "b": {"hosts": named("x", first=201)}}})],
        f"{AT}.pools.b.hosts.x",
        "also that of kubeadm-fleet:fleet.clusters.cluster1.workers.pools.a.hosts.x",
    ),
    "the name of a control plane": (
        [(WORKERS, {"pools": {"a": {"hosts": named("cp-a")}}})],
        f"{AT}.pools.a.hosts.cp-a", "clusters.cluster1.controlPlanes.hosts.cp-a",
    ),
    "a name that is no label": (
        [(f"{WORKERS}/hosts", named("Rack1"))], f"{AT}.hosts.Rack1", "not the name of a host",
    ),
    "a host as a list": (
        [(f"{WORKERS}/hosts/rack1-a", ["10.20.1.101"])], f"{AT}.hosts.rack1-a", "not a mapping",
    ),
    "a long name": (
        [(f"{WORKERS}/hosts", named("a" * 60))],
        f"{AT}.hosts.{'a' * 60}", "would be longer than 63 characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTAINERS.values(), ids=list(CONTAINERS))
def test_pools_of_containers_are_refused_with_this_problem_alone(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize("case", HOSTS.values(), ids=list(HOSTS))
def test_pools_of_hosts_are_refused_with_this_problem_alone(case: Case) -> None:
    check_refused(EXISTING, case)


def test_refused_addresses_are_answered_with_free_ones_for_the_named_pool() -> None:
    slots = {f"pool-{number}": {"count": 2} for number in range(12)}
    config = pooled(**slots)
    for _ in range(20):
        found = problems(config) if _refused(config) else ()
        if not found:
            break
        path = found[0].path.removeprefix("kubeadm-fleet:fleet.").replace(".", "/")
        assert path.rpartition("/")[2] == "firstAddress"
        config = changed(config, (path, found[0].example.partition(": ")[2]))
    machines = load(config).clusters[0].machines
    addresses = [IPv4Address(machine.address) for machine in machines]
    assert all(one != other for one, other in combinations(addresses, 2))


def _refused(config: dict[str, Any]) -> bool:
    try:
        load(config)
    except ValueError:
        return True
    return False


def test_a_cluster_without_any_workers_may_have_pools() -> None:
    assert load(pooled(a={"count": 0})).clusters[0].workers == ()
    assert cluster(CONTAINER, (WORKERS, ABSENT)).workers == ()
