"""The network of machines: a bridge for each cluster, a namespace and a cable for each machine."""

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
    """Return whether the bridge is there."""
    return (LINKS / bridge / "bridge").is_dir()


def make_bridge(bridge: str, gateway: str) -> None:
    """Make the bridge with its address ("10.89.1.1/24"), if it is not there."""
    _refuse_used(bridge, gateway)
    firewall.require_bridge_filter()
    if not bridge_exists(bridge):
        run("ip", "link", "add", bridge, "address", _hardware_address(bridge), "type", "bridge")
    run("ip", "address", "replace", gateway, "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    firewall.allow(bridge)


def remove_bridge(bridge: str) -> None:
    """Remove the bridge; one that is gone is fine."""
    firewall.forget(bridge)
    if bridge_exists(bridge):
        run("ip", "link", "delete", bridge)


def plug_in(spec: MachineSpec) -> None:
    """Make the machine's namespace and its cable to the bridge."""
    if not bridge_exists(spec.bridge):
        raise OperatorError(
            f"{spec.hostname}: the bridge {spec.bridge} is gone; `pulumi up` makes it again"
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
    """Connect the cable of a running machine to its bridge, which was made anew."""
    run("ip", "link", "set", spec.link, "master", spec.bridge, "up")


def has_traces(spec: MachineSpec) -> bool:
    """Return whether anything of the machine's network is there, whole or not."""
    return namespace(spec).exists() or (LINKS / spec.link).exists()


def is_wired(spec: MachineSpec) -> bool:
    """Return whether the machine has its namespace and its cable."""
    return namespace(spec).exists() and (LINKS / spec.link).exists()


def is_plugged_in(spec: MachineSpec) -> bool:
    """Return whether the cable leads to the machine's bridge."""
    master = LINKS / spec.link / "master"
    return master.exists() and master.resolve().name == spec.bridge


def unplug(spec: MachineSpec) -> None:
    """Remove the cable and the namespace."""
    if (LINKS / spec.link).exists():
        # The cable also goes with its other end, when the kernel gets to it first.
        succeeds("ip", "link", "delete", spec.link)
    if namespace(spec).exists():
        run("ip", "netns", "delete", spec.unit)


def namespace(spec: MachineSpec) -> Path:
    """The machine's network namespace."""
    return Path("/run/netns") / spec.unit


def _hardware_address(name: str) -> str:
    """A locally administered address, for good, of the interface that belongs to `name`.

    Others send to the address that they know until they ask again, for half a minute: a bridge with
    none of its own takes its lowest port's, and a new machine would have another than the former.
    """
    return "02:" + ":".join(f"{each:02x}" for each in hashlib.sha256(name.encode()).digest()[:5])


def _refuse_used(bridge: str, gateway: str) -> None:
    """Refuse a subnet that another interface of this host is in or routes to."""
    wanted = ipaddress.IPv4Interface(gateway).network
    for interface, other in _networks():
        if interface != bridge and other.overlaps(wanted):
            raise OperatorError(
                f"the subnet {wanted} overlaps with {other}, which this host reaches over "
                f"{interface}: name another one in the cluster's machines.subnet"
            )


def _networks() -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """What this host is in (its addresses) and what it routes to, by interface."""
    for link in json.loads(run("ip", "-json", "-4", "address", "show")):
        for address in link["addr_info"]:
            network = f"{address['local']}/{address['prefixlen']}"
            yield link["ifname"], ipaddress.IPv4Interface(network).network
    for route in json.loads(run("ip", "-json", "-4", "route", "show", "table", "main")):
        if route["dst"] != "default":
            yield route.get("dev", "several interfaces"), ipaddress.IPv4Network(route["dst"])
