"""Warnings about pod and Service networks whose addresses are in use elsewhere, too.

Such clusters work, but pods reach what has the addresses of their own networks neither directly nor
through a gateway, and the networks cannot be changed once the cluster exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from model.config.errors import ConfigProblem, problem_at
from model.config.resolved_pool import address_or_none
from model.fleet import Cluster, Fleet
from model.machine import ExistingSettings
from model.rules.free_networks import FreeNetworks
from model.rules.network_index import NetworkIndex, TitledNetwork

FIXED = "this is fixed once the cluster exists, and pods can never reach"
ALLOWED = (
    "a network that is used nowhere else; or `networks: {shared: true}` (of the cluster or the "
    "fleet) to accept it"
)
# The size of proposed networks, if their cluster's own is not smaller; Kubernetes' limits are in
# model/rules/subnets.py and node_shares.py.
PROPOSED_PREFIX = 16
LONGEST_SERVICE_PREFIX = 24
# How many warnings name a free network.
PROPOSALS = 16
# Where there is a machine, its neighbours may be too.
NEIGHBOURHOOD_PREFIX = 24


@dataclass(frozen=True)
class InnerNetwork:
    """A cluster's pod or Service network, its key in the config, and the sizes that would do."""

    cluster: str
    key: str
    titled: TitledNetwork
    prefixes: range


def warnings(fleet: Fleet) -> Iterator[ConfigProblem]:
    """Yield a warning for each network that overlaps one before it, machines or the internet."""
    machines, networks = NetworkIndex(), NetworkIndex()
    for cluster in fleet.clusters:
        for outer in _outer(cluster):
            machines.add(outer)
    free, proposals = FreeNetworks(_in_use(fleet)), 0
    for cluster in fleet.clusters:
        inner = () if cluster.networks_shared else _inner(cluster)
        for own in inner:
            other = machines.find(own.titled.network) or networks.find(own.titled.network)
            problem = _problem(own.titled.network, other)
            if problem:
                proposals += 1
                known = proposals <= PROPOSALS
                free_network = free.take(own.titled.network, own.prefixes) if known else None
                yield _warning(own, problem, free_network)
        for own in inner:
            networks.add(own.titled)


def _problem(network: IPv4Network, other: TitledNetwork | None) -> str:
    if other is None:
        return f"has public addresses: {FIXED} their owners" if network.is_global else ""
    if other.network.prefixlen == 32:
        return f"contains {other.network.network_address} ({other.title}): {FIXED} it"
    return f"overlaps {other.network} ({other.title}): {FIXED} those"


def _warning(own: InnerNetwork, problem: str, free: IPv4Network | None) -> ConfigProblem:
    return problem_at(
        ("clusters", own.cluster, "networking", own.key),
        own.titled.network,
        problem,
        allowed=ALLOWED,
        example=f"{own.key}: {free}" if free else "networks: {shared: true}",
    )


def _inner(cluster: Cluster) -> tuple[InnerNetwork, InnerNetwork]:
    pods, services = cluster.pod_subnet, cluster.service_subnet
    needed = cluster.node_cidr_mask_size - len(cluster.machines).bit_length()
    return (
        InnerNetwork(
            cluster.name,
            "podSubnet",
            TitledNetwork(pods, f"the pods of {cluster.name}"),
            range(min(max(pods.prefixlen, PROPOSED_PREFIX), needed), needed + 1),
        ),
        InnerNetwork(
            cluster.name,
            "serviceSubnet",
            TitledNetwork(services, f"Services of {cluster.name}"),
            range(max(services.prefixlen, PROPOSED_PREFIX), LONGEST_SERVICE_PREFIX + 1),
        ),
    )


def _outer(cluster: Cluster) -> Iterator[TitledNetwork]:
    """Yield what is outside of the cluster's own networks: its machines, and how to reach them."""
    if cluster.container_subnet:
        yield TitledNetwork(cluster.container_subnet, f"the machines of {cluster.name}")
    named = {}
    for machine in cluster.machines:
        named[machine.name] = machine.address
        if isinstance(machine.settings, ExistingSettings) and machine.settings.bastion:
            named[f"the bastion of {cluster.name}"] = machine.settings.bastion.host
    named[f"the endpoint of {cluster.name}"] = cluster.endpoint_host
    for title, host in named.items():
        if address := address_or_none(host):
            yield TitledNetwork(IPv4Network(address), title)


def _in_use(fleet: Fleet) -> NetworkIndex:
    used = NetworkIndex()
    for cluster in fleet.clusters:
        for own in _inner(cluster):
            used.add(own.titled)
        for outer in _outer(cluster):
            prefix = min(outer.network.prefixlen, NEIGHBOURHOOD_PREFIX)
            used.add(TitledNetwork(outer.network.supernet(new_prefix=prefix), outer.title))
    return used
