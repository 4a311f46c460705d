"""Rules for the pod subnet and the shares that its Nodes get of it.

A Node keeps its share as long as it exists, and the controller manager cannot change the size
of the shares later: https://github.com/kubernetes/kubernetes/issues/70957
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from model.config.errors import ConfigProblem, Path, problem_at
from model.config.networking import MASK_SIZES
from model.config.resolved_cluster import ResolvedCluster
from model.fleet import Cluster
from model.rules.issue import Issue, issue

# Larger pod subnets are hardly available: 10.0.0.0/8 is the largest private one.
SHORTEST_PREFIX = 8
# kubeadm accepts at most 2^16 shares.
MOST_BITS = 16
# https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
DEFAULT_MAX_PODS = 110
# Of a share, pods get no network address, no broadcast address and not that of the bridge, the
# gateway (the CNI plugin host-local).
UNUSABLE_ADDRESSES = 3


def pod_addresses(mask_size: int) -> int:
    """Return the number of pods that find an address in a share of this prefix length."""
    return int(2 ** (32 - mask_size)) - UNUSABLE_ADDRESSES


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's pod subnet, shares and number of pods."""
    yield from _pod_subnet(cluster)
    yield from _max_pods(cluster)


def _pod_subnet(cluster: ResolvedCluster) -> Iterator[Issue]:
    path: Path = (*cluster.path, "networking")
    subnet = cluster.settings.networking.pod_subnet
    mask_size = cluster.settings.networking.node_cidr_mask_size
    shortest, longest = (
        max(SHORTEST_PREFIX, mask_size - MOST_BITS),
        _longest(mask_size, cluster.nodes),
    )
    sources: tuple[Path, ...] = ()
    if subnet.prefixlen > mask_size:
        problem = f"must provide a /{mask_size} per Node"
    elif subnet.prefixlen < shortest:
        problem = f"larger than {2**MOST_BITS} shares of a /{mask_size}"
    elif subnet.prefixlen > longest:
        problem = f"too small: {cluster.nodes} Nodes need a /{mask_size} each"
        sources = cluster.size_paths(*cluster.pools)
    else:
        return
    enough = mask_size + max(shortest - longest, 0)
    yield issue(
        (*path, "podSubnet"),
        subnet,
        problem,
        allowed=f"a /{shortest} to a /{longest}"
        if enough == mask_size
        else f"a greater networking.nodeCidrMaskSize: at least {enough}, with a /{shortest}",
        example=_example(longest) if enough == mask_size else f"nodeCidrMaskSize: {enough}",
        sources=((*path, "nodeCidrMaskSize"), *sources),
    )


def _longest(mask_size: int, shares: int) -> int:
    """Return the longest prefix of a pod subnet with this many shares."""
    return mask_size - max(shares - 1, 0).bit_length()


def _example(prefix: int) -> str:
    return f"podSubnet: {IPv4Network(('10.244.0.0', min(16, prefix)), strict=False)}"


def _max_pods(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield numbers of pods that a share has no addresses for: the cluster's, and pools' own."""
    if "maxPods" in cluster.settings.kubelet:
        yield from _too_many(cluster, ("kubelet",), cluster.settings.kubelet["maxPods"])
    else:
        # Control planes have no setting of their own.
        yield from _too_many_by_default(cluster)
    for pool in cluster.worker_pools:
        if "maxPods" in pool.kubelet:
            yield from _too_many(cluster, (*pool.setting, "kubelet"), pool.kubelet["maxPods"])


def _too_many(cluster: ResolvedCluster, kubelet: Path, pods: int) -> Iterator[Issue]:
    mask_size = cluster.settings.networking.node_cidr_mask_size
    room = pod_addresses(mask_size)
    if pods <= room:
        return
    largest = _largest_mask(pods)
    alternative = f", or networking.nodeCidrMaskSize of at most {largest}" if largest else ""
    yield issue(
        cluster.path_of(*kubelet, "maxPods"),
        pods,
        _share(mask_size),
        allowed=f"at most {room}{alternative} (fixed once the cluster exists)",
        example=f"maxPods: {room}",
        sources=(_mask_path(cluster), *cluster.paths_of(*kubelet, "maxPods")),
    )


def _too_many_by_default(cluster: ResolvedCluster) -> Iterator[Issue]:
    mask_size = cluster.settings.networking.node_cidr_mask_size
    room = pod_addresses(mask_size)
    if room < DEFAULT_MAX_PODS:
        largest = _largest_mask(DEFAULT_MAX_PODS)
        yield issue(
            _mask_path(cluster),
            mask_size,
            f"{_share(mask_size)}, and the kubelet's default is {DEFAULT_MAX_PODS}",
            allowed=f"at most {largest}, or kubelet.maxPods of at most {room}",
            example=f"nodeCidrMaskSize: {largest}",
            sources=cluster.paths_of("kubelet", "maxPods"),
        )


def _share(mask_size: int) -> str:
    room = pod_addresses(mask_size)
    return f"a Node's share of the pod subnet, a /{mask_size}, has addresses for {room} pods"


def _mask_path(cluster: ResolvedCluster) -> Path:
    return (*cluster.path, "networking", "nodeCidrMaskSize")


def _largest_mask(pods: int) -> int | None:
    return next((size for size in reversed(MASK_SIZES) if pods <= pod_addresses(size)), None)


def warning(cluster: Cluster) -> ConfigProblem | None:
    """Return a warning if the pod subnet has no share left for a machine that is replaced.

    The Node of a replaced or removed machine keeps a share until it is deleted.
    """
    mask_size, machines = cluster.node_cidr_mask_size, len(cluster.machines)
    shares = 2 ** (mask_size - cluster.pod_subnet.prefixlen)
    spare = max(1, cluster.most_unavailable)
    if shares >= machines + spare:
        return None
    longest = _longest(mask_size, machines + spare)
    return problem_at(
        ("clusters", cluster.name, "networking", "podSubnet"),
        cluster.pod_subnet,
        f"too little room for a replaced or an additional machine: {machines} of {shares} shares "
        f"(a /{mask_size} each) are used, and the subnet is fixed once the cluster exists",
        allowed=f"a /{longest} or larger, for {spare} more; or a greater nodeCidrMaskSize",
        example=_example(longest),
    )
