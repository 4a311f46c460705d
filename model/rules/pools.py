"""Rules for pools: how they are written, and the addresses of container machines."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from model.config.address_blocks import FOR_CONTROL_PLANES, GATEWAY, Block, free_offset
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedPool
from model.rules.issue import Issue, issue

# Never offered to a pool: the network, the gateway, and control planes to come.
RESERVED = (Block(0, GATEWAY + 1), FOR_CONTROL_PLANES)
EXAMPLES = {"count": "count: 3", "hosts": "hosts: {rack1-a: {address: ..., hostKey: ...}}"}


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's pools."""
    yield from _outside_pools(cluster)
    yield from _without_machines(cluster)
    subnet = cluster.settings.machines.subnet
    if cluster.driver == "container" and subnet is not None:
        yield from _addresses(cluster, subnet)


def _outside_pools(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield machines that are in no pool although there are pools."""
    workers, path = cluster.written.workers, (*cluster.path, "workers")
    if not workers.pools:
        return
    for key, value in (("count", workers.count), ("hosts", workers.hosts)):
        if value is not None:
            yield issue(
                (*path, key),
                value,
                "set together with pools: these machines would be in no pool",
                allowed=f"either {key} or pools; a pool has its own {key}",
                example=f"pools: {{general: {{{EXAMPLES[key]}}}}}",
                sources=((*path, "pools"),),
            )


def _without_machines(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield pools that do not say which machines they have."""
    for pool in cluster.worker_pools:
        key = str(pool.size_path[-1])
        if pool.is_named and not cluster.is_set(*pool.setting, key):
            yield issue(
                pool.size_path,
                None,
                f"missing: {pool.title} does not say which machines it has",
                allowed="a whole number from 0 to 5000"
                if key == "count"
                else "the hosts by name, one per machine",
                example=EXAMPLES[key],
                sources=cluster.driver_paths,
            )


def _addresses(cluster: ResolvedCluster, subnet: IPv4Network) -> Iterator[Issue]:
    """Yield pools with addresses of each other or outside of the machines' subnet."""
    for pool in cluster.pools:
        if pool.size and not pool.block(subnet).fits(subnet):
            if pool.is_named:
                problem = f"{_span(pool, subnet)} are not all in the subnet {subnet}"
                yield _misplaced(cluster, subnet, problem, pool)
            else:
                yield _too_small(cluster, subnet, pool)
    for pool in cluster.worker_pools:
        if pool.block(subnet).overlaps(FOR_CONTROL_PLANES):
            kept = _range(FOR_CONTROL_PLANES, subnet)
            problem = f"{_span(pool, subnet)} overlap those reserved for control planes ({kept})"
            yield _misplaced(cluster, subnet, problem, pool)
    for one, other in combinations(cluster.worker_pools, 2):
        if one.block(subnet).overlaps(other.block(subnet)):
            problem = f"{_span(other, subnet)} overlap {_span(one, subnet)}"
            yield _misplaced(cluster, subnet, problem, other, one)


def _span(pool: ResolvedPool, subnet: IPv4Network) -> str:
    """Name the addresses of a pool, also those behind the end of the subnet."""
    return f"the addresses of {pool.title} ({_range(pool.block(subnet), subnet)})"


def _range(block: Block, subnet: IPv4Network) -> str:
    first = subnet.network_address + block.first
    return f"{first} to {first + block.size - 1}" if block.size > 1 else str(first)


def _too_small(cluster: ResolvedCluster, subnet: IPv4Network, pool: ResolvedPool) -> Issue:
    block = pool.block(subnet)
    return issue(
        cluster.path_of("machines", "subnet"),
        subnet,
        f"too small: the addresses of {pool.size} {pool.role} machines start at .{block.first}",
        allowed=f"a network of at least {block.end + 1} addresses",
        example="subnet: 10.89.0.0/20" if pool.size > 100 else "subnet: 10.89.1.0/24",
        sources=(*cluster.subnet_paths, pool.size_path),
    )


def _misplaced(
    cluster: ResolvedCluster,
    subnet: IPv4Network,
    problem: str,
    pool: ResolvedPool,
    *others: ResolvedPool,
) -> Issue:
    """Return the issue of a named pool, with an address from which on its machines have room."""
    free = _free_address(cluster, subnet, pool)
    pools = (pool, *others)
    names = " or ".join(
        f"workers.pools.{named.name}.firstAddress" for named in pools if named.is_named
    )
    return issue(
        pool.path("firstAddress"),
        pool.first_address,
        problem,
        allowed=f"{names}: set it for a new pool; existing machines would be replaced"
        if free
        else f"a larger machines.subnet: it has no {pool.size} consecutive free addresses",
        example=f"firstAddress: {free}" if free else "subnet: 10.89.0.0/20",
        sources=(
            *cluster.subnet_paths,
            *(
                path
                for colliding in pools
                for path in (colliding.size_path, colliding.path("firstAddress"))
            ),
        ),
    )


def _free_address(
    cluster: ResolvedCluster, subnet: IPv4Network, pool: ResolvedPool
) -> IPv4Address | None:
    taken = [*RESERVED, *(other.block(subnet) for other in cluster.pools if other is not pool)]
    if cluster.vip and cluster.vip.address in subnet:
        taken.append(Block(int(cluster.vip.address) - int(subnet.network_address), 1))
    offset = free_offset(subnet, pool.size, taken)
    return None if offset is None else subnet.network_address + offset
