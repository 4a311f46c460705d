"""Machine networking: a bridge per cluster, a network namespace and a veth pair per machine."""

import hashlib
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path

from ops.errors import OperatorError
from ops.nspawn import firewall
from ops.nspawn.command import run, succeeds
from ops.nspawn.spec import MachineSpec

LINKS = Path("/sys/class/net")


def bridge_exists(bridge: str) -> bool:
    """Return whether the bridge exists."""
    return (LINKS / bridge / "bridge").is_dir()


def make_bridge(bridge: str, gateway: str) -> None:
    """Create the bridge with its address ("10.89.1.1/24"), if it does not exist."""
    _reject_used_subnet(bridge, gateway)
    firewall.require_bridge_filter()
    if not bridge_exists(bridge):
        run("ip", "link", "add", bridge, "address", _hardware_address(bridge), "type", "bridge")
    run("ip", "address", "replace", gateway, "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    firewall.allow(bridge)


def remove_bridge(bridge: str) -> None:
    """Remove the bridge, if it exists."""
    firewall.forget(bridge)
    if bridge_exists(bridge):
        run("ip", "link", "delete", bridge)


def plug_in(spec: MachineSpec) -> None:
    """Create the machine's network namespace and its veth pair to the bridge."""
    if not bridge_exists(spec.bridge):
        raise OperatorError(
            f"{spec.hostname}: the bridge {spec.bridge} is missing; `fleet up` recreates it"
        )
    run("ip", "netns", "add", spec.unit)
    run(
        "ip", "-batch", "-",
        stdin=f"link add {spec.link} type veth "
        f"peer name eth0 address {_hardware_address(spec.unit)} netns {spec.unit}\n"
        f"link set {spec.link} master {spec.bridge} up\n",
    )  # fmt: skip
    run(
        "ip", "-netns", spec.unit, "-batch", "-",
        stdin=f"address add {spec.address} dev eth0\n"
        "link set eth0 up\n"
        "link set lo up\n"
        f"route add default via {spec.gateway}\n",
    )  # fmt: skip


def plug_in_again(spec: MachineSpec) -> None:
    """Connect the veth of a running machine to its recreated bridge."""
    run("ip", "link", "set", spec.link, "master", spec.bridge, "up")


def has_traces(spec: MachineSpec) -> bool:
    """Return whether any part of the machine's network exists."""
    return namespace(spec).exists() or (LINKS / spec.link).exists()


def is_wired(spec: MachineSpec) -> bool:
    """Return whether the machine has its network namespace and its veth pair."""
    return namespace(spec).exists() and (LINKS / spec.link).exists()


def is_plugged_in(spec: MachineSpec) -> bool:
    """Return whether the veth is connected to the machine's bridge."""
    master = LINKS / spec.link / "master"
    return master.exists() and master.resolve().name == spec.bridge


def unplug(spec: MachineSpec) -> None:
    """Remove the veth pair and the network namespace."""
    if (LINKS / spec.link).exists():
        # The kernel may already have removed it with its peer.
        succeeds("ip", "link", "delete", spec.link)
    if namespace(spec).exists():
        run("ip", "netns", "delete", spec.unit)


def namespace(spec: MachineSpec) -> Path:
    """The machine's network namespace."""
    return Path("/run/netns") / spec.unit


def _hardware_address(name: str) -> str:
    """A permanent, locally administered address of the interface that belongs to

    `name`. Others cache an address for half a minute: a bridge with none of its own
    takes its lowest port's, and a new machine would have another address than its predecessor.
    """
    return "02:" + ":".join(f"{byte:02x}" for byte in hashlib.sha256(name.encode()).digest()[:5])


def _reject_used_subnet(bridge: str, gateway: str) -> None:
    """Reject a subnet that overlaps an address or route of another interface of this host."""
    wanted = ipaddress.IPv4Interface(gateway).network
    for interface, other in _networks():
        if interface != bridge and other.overlaps(wanted):
            raise OperatorError(
                f"the subnet {wanted} overlaps {other}, which this host reaches through "
                f"{interface}: set the cluster's machines.subnet to another one"
            )


def _networks() -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """The networks of this host's addresses and routes, by interface."""
    for link in json.loads(run("ip", "-json", "-4", "address", "show")):
        for address in link["addr_info"]:
            network = f"{address['local']}/{address['prefixlen']}"
            yield link["ifname"], ipaddress.IPv4Interface(network).network
    for route in json.loads(run("ip", "-json", "-4", "route", "show", "table", "main")):
        if route["dst"] != "default":
            yield route.get("dev", "several interfaces"), ipaddress.IPv4Network(route["dst"])
