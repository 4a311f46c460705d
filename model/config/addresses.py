"""Host names, addresses, ports and subnets, each with its constraints."""

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from model.config.field import ScalarField, between

DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_NAME = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
# This network, loopback, link-local, multicast and reserved (RFC 6890).
UNUSABLE = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))


def label_hint(text: str) -> str:
    """Suggest a DNS label that is similar to a text."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")
    return f"write {label}" if label else ""


def _host_hint(text: str) -> str:
    """Say why a text is not a host."""
    if text.count(":") > 1:
        return "IPv6 is not supported"
    if "@" in text or ":" in text:
        return "users and ports have keys of their own"
    name = text.lower().rstrip(".")
    return f"write {name}" if re.fullmatch(rf"(\*\.)?{DNS_NAME}", name) else ""


def _network_hint(text: str) -> str:
    """Say which network an address with a prefix length is in."""
    try:
        return f"write {IPv4Network(text, strict=False)}" if "/" in text else ""
    except ValueError:
        return ""


def _host(text: str) -> str:
    if not text.rpartition(".")[2].isdigit():
        return text
    return str(_address(IPv4Address(text)))


def check_host_port(text: str) -> str:
    """Return a text of the form host:port; raise ValueError if either is invalid."""
    host, _, port = text.rpartition(":")
    _host(host)
    between(1, 65535)(int(port))
    return text


def _network(network: IPv4Network) -> IPv4Network:
    for unusable in UNUSABLE:
        if network.overlaps(unusable):
            raise ValueError(
                f"contains addresses of {unusable}, which are not routable between machines"
            )
    return network


def _address(address: IPv4Address) -> IPv4Address:
    _network(IPv4Network(address))
    return address


def _alt_name(name: str) -> str:
    _host(name.removeprefix("*."))
    return name


Port = Annotated[
    int,
    ScalarField("a port", "a whole number from 1 to 65535", 22, (int,), check=between(1, 65535)),
]
HostName = Annotated[
    str,
    ScalarField(
        "a host",
        "an IPv4 address or a DNS name",
        "10.0.1.11",
        pattern=DNS_NAME,
        check=_host,
        hint=_host_hint,
    ),
]
HostPort = Annotated[
    str,
    ScalarField(
        "a host and port",
        "host:port, where host is a DNS name or an IPv4 address",
        "api.tokyo.example.com:6443",
        pattern=rf"{DNS_NAME}:\d{{1,5}}",
        check=check_host_port,
    ),
]
AddressPort = Annotated[
    str,
    ScalarField(
        "an address and port",
        "address:port, where address is an unused IPv4 address",
        "10.89.1.100:8443",
        pattern=r"\d{1,3}(\.\d{1,3}){3}:\d{1,5}",
        check=check_host_port,
    ),
]
Subnet = Annotated[
    IPv4Network,
    ScalarField(
        "an IPv4 network",
        "an IPv4 network in CIDR notation, with host bits zero",
        "10.244.0.0/16",
        check=_network,
        hint=_network_hint,
    ),
]
Address = Annotated[
    IPv4Address, ScalarField("an IPv4 address", "an IPv4 address", "10.0.1.11", check=_address)
]
Domain = Annotated[
    str,
    ScalarField("a DNS domain", "a lower-case DNS domain", "cluster.local", pattern=DNS_NAME),
]
AltName = Annotated[
    str,
    ScalarField(
        "a host",
        "an IPv4 address or a DNS name, optionally with a leading *.",
        "api.example.com",
        pattern=rf"(\*\.)?{DNS_NAME}",
        check=_alt_name,
        hint=_host_hint,
    ),
]
