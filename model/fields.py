"""The single values of a config: what each of them may be."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from model import ssh, versions
from model.leaf import Leaf

DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_NAME = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
LABEL_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
ANY_HOST_KEY = "insecure-accept-any"
# This network, loopback, link-local, multicast and reserved (RFC 6890).
UNUSABLE = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
UNITS = {"Mi": 2**20, "Gi": 2**30}
# Labels of these domains are Kubernetes' own; a kubelet may not set them (NodeRestriction).
# https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
OPEN_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


def parse_memory(text: str) -> int:
    """Return the bytes of a quantity such as "2Gi" or "2048Mi"."""
    return int(text[:-2]) * UNITS[text[-2:]]


def _between(low: float, high: float) -> Callable[[float], float]:
    def check(number: float) -> float:
        if not low <= number <= high:
            raise ValueError(f"out of range {low:g} to {high:g}")
        return number

    return check


def _host_key(text: str) -> str:
    if text != ANY_HOST_KEY:
        ssh.parse_host_key(text)
    return text


def _host(text: str) -> str:
    if not text.rpartition(".")[2].isdigit():
        return text
    return str(_address(IPv4Address(text)))


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    _host(host)
    _between(1, 65535)(int(port))
    return text


def _network(network: IPv4Network) -> IPv4Network:
    for each in UNUSABLE:
        if network.overlaps(each):
            raise ValueError(f"holds addresses of {each}, which reach no other machine")
    return network


def _address(address: IPv4Address) -> IPv4Address:
    _network(IPv4Network(address))
    return address


def _label_key(key: str) -> str:
    domain, _, _ = key.rpartition("/")
    reserved = any(domain == each or domain.endswith(f".{each}") for each in RESERVED_DOMAINS)
    if reserved and key not in OPEN_LABELS:
        raise ValueError(f"labels of {domain} are Kubernetes' own")
    return key


def _mirror(url: str) -> str:
    if "@" in url:
        raise ValueError("a URL with a user or password in it would be stored and shown in plain")
    return url.rstrip("/")


VersionName = Annotated[
    str,
    Leaf(
        "a Kubernetes version",
        versions.ALLOWED,
        "1.36.3",
        check=lambda text: str(versions.parse(text)),
    ),
]
Memory = Annotated[
    str,
    Leaf("a quantity of memory", "a whole number of Mi or Gi", "2Gi", pattern=r"[1-9]\d{0,6}[MG]i"),
]
Cpus = Annotated[
    float,
    Leaf(
        "a number of cores", "a number from 0.1 to 256", 2, (int, float), check=_between(0.1, 256)
    ),
]
Count = Annotated[
    int,
    # Kubernetes is tested up to 5,000 Nodes: https://kubernetes.io/docs/setup/best-practices/cluster-large/
    Leaf(
        "a number of machines", "a whole number from 0 to 5000", 3, (int,), check=_between(0, 5000)
    ),
]
Port = Annotated[
    int, Leaf("a port", "a whole number from 1 to 65535", 22, (int,), check=_between(1, 65535))
]
Flag = Annotated[bool, Leaf("true or false", "true or false", True, (bool,))]
HostKey = Annotated[
    str,
    Leaf(
        "an OpenSSH public key",
        "the host's public key, as `ssh-keyscan` prints it after the name; "
        f"or {ANY_HOST_KEY}, which trusts whoever answers",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN3PyLSbt82YNsctkVNNIgmV3nqjCR+uywpVjv0dK/dL",
        check=_host_key,
    ),
]
HostName = Annotated[
    str,
    Leaf("a host", "an IPv4 address or a DNS name", "10.0.1.11", pattern=DNS_NAME, check=_host),
]
HostPort = Annotated[
    str,
    Leaf(
        "a host and port",
        "host:port, where host is a DNS name or an IPv4 address",
        "api.tokyo.example.com:6443",
        pattern=rf"{DNS_NAME}:\d{{1,5}}",
        check=_host_port,
    ),
]
AddressPort = Annotated[
    str,
    Leaf(
        "an address and port",
        "address:port, where address is an IPv4 address that nothing has yet",
        "10.89.1.100:8443",
        pattern=r"\d{1,3}(\.\d{1,3}){3}:\d{1,5}",
        check=_host_port,
    ),
]
Subnet = Annotated[
    IPv4Network,
    Leaf(
        "an IPv4 network",
        "an IPv4 network in CIDR form, with its host bits zero",
        "10.244.0.0/16",
        check=_network,
    ),
]
Address = Annotated[
    IPv4Address, Leaf("an IPv4 address", "an IPv4 address", "10.0.1.11", check=_address)
]
Domain = Annotated[
    str, Leaf("a DNS domain", "a DNS domain in lower case", "cluster.local", pattern=DNS_NAME)
]
User = Annotated[
    str,
    Leaf("a user", "the name of a user on the host", "ubuntu", pattern=r"[A-Za-z_][-\w.]{0,31}"),
]
SecretName = Annotated[
    str,
    Leaf(
        "the name of a config value",
        "the NAME of the stack's secret config value that holds the key, never the key",
        "sshPrivateKey",
        pattern=r"[A-Za-z][A-Za-z0-9_-]{0,62}",
    ),
]
MirrorUrl = Annotated[
    str,
    Leaf(
        "a base URL",
        "an http or https URL without user or password",
        "https://mirror.example.com",
        pattern=r"https?://[^\s?#]+",
        check=_mirror,
    ),
]
LabelKey = Annotated[
    str,
    Leaf(
        "a label key",
        "a Kubernetes label key: [domain/]name, at most 63 characters after the /",
        "region",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_label_key,
    ),
]
LabelValue = Annotated[
    str,
    Leaf(
        "a label value",
        "text of letters, digits, -, _ and . with at most 63 characters; quote numbers",
        "tokyo",
        pattern=rf"({LABEL_PART})?",
    ),
]
