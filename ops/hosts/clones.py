"""Hosts that cannot be told apart: what must differ between the machines of a cluster.

kubeadm requires another host name, MAC address and product UUID on each:
https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/
Node names come from the config here. A MAC address must be unique in its network only, and some
mainboards have a product UUID that nobody can change: that is a warning.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface
from typing import TypedDict

NAMES_SHOWN = 5
# What clones of a virtual machine share.
MARKS = {
    "product_uuid": "product UUID",
    "machine_id": "machine ID",
    "hostname": "host name",
}


class HostIdentity(TypedDict):
    """A host's marks, and the interface of its Node; "" is unknown."""

    product_uuid: str
    machine_id: str
    hostname: str
    mac: str
    network: str
    mtu: str


def parse(lines: Iterable[str]) -> HostIdentity:
    """Parse lines of NAME VALUE, as scripts/node/ports.sh prints them."""
    said = defaultdict(str, (line.partition(" ")[::2] for line in lines))
    return HostIdentity(
        product_uuid=said["product_uuid"],
        machine_id=said["machine_id"],
        hostname=said["hostname"],
        mac=said["mac"],
        network=str(IPv4Interface(said["address"]).network) if said["address"] else "",
        mtu=said["mtu"],
    )


def mac_problems(hosts: Mapping[str, HostIdentity], new: Collection[str]) -> Iterator[str]:
    """Yield the MAC addresses that a new host shares with another one in its network."""
    for (mac, network), names in _groups(hosts, "mac", "network"):
        if mac and _is_shared(names, new):
            yield (
                f"{_listed(names)} have the MAC address {mac} in {network}: each receives packets "
                "for the other: give each virtual machine its own MAC address in the hypervisor"
            )


def warnings(hosts: Mapping[str, HostIdentity], new: Collection[str]) -> Iterator[str]:
    """Yield what a new host shares with another, and interfaces whose MTUs differ."""
    clones: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for field, title in MARKS.items():
        for (value,), names in _groups(hosts, field):
            if value and _is_shared(names, new):
                clones[tuple(names)].append(f"{title} {value}")
    for twins, shared in clones.items():
        yield (
            f"{_listed(twins)} have the same {', '.join(shared)}: programs that identify "
            "machines by it, such as DHCP servers and storage drivers, see one machine. In clones "
            "of a virtual machine, run `rm /etc/machine-id; systemd-machine-id-setup`, "
            "`hostnamectl hostname NAME` and `reboot`; a new machine ID enrolls the host again"
        )
    by_mtu = [(mtu, names) for (mtu,), names in _groups(hosts, "mtu") if mtu]
    if len(by_mtu) > 1 and not set(new).isdisjoint(hosts):
        values = "; ".join(f"{mtu} on {_listed(names)}" for mtu, names in by_mtu)
        yield (
            f"the interfaces of the Nodes have different MTUs: {values}. The pods of a Node have "
            "its MTU less 50 (VXLAN): TCP adapts to the smaller one, but large datagrams from a "
            "Node with a larger one may be lost: set the same MTU on all machines"
        )


def _groups(
    hosts: Mapping[str, HostIdentity], *fields: str
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return the names of hosts by their values of these fields."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, host in hosts.items():
        values: Mapping[str, object] = host
        groups[tuple(str(values[field]) for field in fields)].append(name)
    return list(groups.items())


def _is_shared(names: Collection[str], new: Collection[str]) -> bool:
    return len(names) > 1 and not set(names).isdisjoint(new)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"
