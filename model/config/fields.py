"""The scalar fields of a config, each with its constraints."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from model import ssh_keys, versions
from model.config.field import ScalarField
from model.well_known import CONTROL_PLANE_LABEL, ROLE_DOMAIN

DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_NAME = rf"{DNS_LABEL}(\.{DNS_LABEL})*"
LABEL_PART = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
ANY_HOST_KEY = "insecure-accept-any"
# This network, loopback, link-local, multicast and reserved (RFC 6890).
UNUSABLE = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
UNITS = {"Mi": 2**20, "Gi": 2**30}
# Labels of these domains are reserved for Kubernetes; kubelets cannot set them (NodeRestriction).
# https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io")
OPEN_LABELS = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
# Of those domains, these are meant for cluster operators; they are set through the API.
OPEN_NODE_DOMAINS = (ROLE_DOMAIN, "node-restriction.kubernetes.io")
# Set by kubeadm; the second is the older name of the first.
CONTROL_PLANE_LABELS = (CONTROL_PLANE_LABEL, f"{ROLE_DOMAIN}/master")
# Set by the node controller and cloud providers.
CONTROLLERS_TAINTS = ("node.kubernetes.io", "node.cloudprovider.kubernetes.io")
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
LONGEST_SECONDS = 7 * 24 * 3600


def parse_memory(text: str) -> int:
    """Return the bytes of a quantity such as "2Gi" or "2048Mi"."""
    return int(text[:-2]) * UNITS[text[-2:]]


def parse_seconds(value: int | str) -> int:
    """Return the seconds of 90, "90", "90s", "5m" or "2h"; raise ValueError for anything else."""
    match = re.fullmatch(r"(\d{1,9})([smh]?)", str(value))
    if match is None:
        raise ValueError("not a duration")
    return int(match[1]) * SECONDS[match[2]]


def parse_percent(value: int | str) -> int | None:
    """Return 25 for "25%"; None for anything that is not a percentage."""
    match = re.fullmatch(r"(\d{1,9})%", str(value))
    return int(match[1]) if match else None


def _seconds(value: int | str) -> int | str:
    if parse_seconds(value) > LONGEST_SECONDS:
        raise ValueError("longer than 7 days")
    return value


def _drain_seconds(value: int | str) -> int | str:
    if parse_seconds(value) == 0:
        raise ValueError("no Node could be drained")
    return _seconds(value)


def _max_unavailable(value: int | str) -> int | str:
    percent = parse_percent(value)
    if percent is None and not isinstance(value, int):
        raise ValueError("neither a number nor a percentage")
    if value == 0 or percent == 0:
        raise ValueError("no worker could be updated")
    if percent is not None and percent > 100:
        raise ValueError("more than 100%")
    if percent is None:
        _between(1, 5000)(int(value))
    return value


def _between(low: float, high: float) -> Callable[[float], float]:
    def check(number: float) -> float:
        if not low <= number <= high:
            raise ValueError(f"out of range {low:g} to {high:g}")
        return number

    return check


def _host_key(text: str) -> str:
    if text != ANY_HOST_KEY:
        ssh_keys.parse_host_key(text)
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
            raise ValueError(
                f"contains addresses of {each}, which are not routable between machines"
            )
    return network


def _address(address: IPv4Address) -> IPv4Address:
    _network(IPv4Network(address))
    return address


def _label_key(key: str) -> str:
    domain, _, _ = key.rpartition("/")
    reserved = any(domain == each or domain.endswith(f".{each}") for each in RESERVED_DOMAINS)
    if reserved and key not in OPEN_LABELS:
        raise ValueError(f"labels of {domain} are reserved for Kubernetes")
    return key


def _node_label_key(key: str) -> str:
    domain = key.rpartition("/")[0]
    if key in CONTROL_PLANE_LABELS:
        raise ValueError("set by kubeadm, on control planes only")
    if any(domain == each or domain.endswith(f".{each}") for each in OPEN_NODE_DOMAINS):
        return key
    return _label_key(key)


def _taint(text: str) -> str:
    head, _, effect = text.rpartition(":")
    key = head.partition("=")[0]
    if effect not in TAINT_EFFECTS:
        raise ValueError(f"unknown effect {effect!r}" if key else "not a taint")
    domain = key.rpartition("/")[0]
    if domain in CONTROLLERS_TAINTS:
        raise ValueError(f"taints of {domain} are set by Kubernetes controllers")
    return text


def _alt_name(name: str) -> str:
    _host(name.removeprefix("*."))
    return name


def _acknowledgement(text: str) -> str:
    if not text.isprintable() or text.strip() != text or len(text) > 200:
        raise ValueError("not a reason")
    return text


def _proxy(url: str) -> str:
    _host_port(url.rstrip("/").partition("//")[2])
    return _mirror(url)


def _mirror(url: str) -> str:
    if "@" in url:
        raise ValueError("credentials in a URL would be stored and shown in plain text")
    return url.rstrip("/")


VersionName = Annotated[
    str,
    ScalarField(
        "a Kubernetes version",
        versions.ALLOWED,
        "1.36.3",
        check=lambda text: str(versions.parse(text)),
    ),
]
Memory = Annotated[
    str,
    ScalarField(
        "a quantity of memory", "a whole number of Mi or Gi", "2Gi", pattern=r"[1-9]\d{0,6}[MG]i"
    ),
]
Cpus = Annotated[
    float,
    ScalarField(
        "a number of cores", "a number from 0.1 to 256", 2, (int, float), check=_between(0.1, 256)
    ),
]
Count = Annotated[
    int,
    # Kubernetes is tested up to 5,000 Nodes: https://kubernetes.io/docs/setup/best-practices/cluster-large/
    ScalarField(
        "a number of machines", "a whole number from 0 to 5000", 3, (int,), check=_between(0, 5000)
    ),
]
Port = Annotated[
    int,
    ScalarField("a port", "a whole number from 1 to 65535", 22, (int,), check=_between(1, 65535)),
]
Flag = Annotated[bool, ScalarField("true or false", "true or false", True, (bool,))]
HostKey = Annotated[
    str,
    ScalarField(
        "an OpenSSH public key",
        "the host's public ed25519 or ecdsa key, as `fleet hosts scan HOST` "
        f"prints it; or {ANY_HOST_KEY}, which accepts any host key",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN3PyLSbt82YNsctkVNNIgmV3nqjCR+uywpVjv0dK/dL",
        check=_host_key,
    ),
]
HostName = Annotated[
    str,
    ScalarField(
        "a host", "an IPv4 address or a DNS name", "10.0.1.11", pattern=DNS_NAME, check=_host
    ),
]
HostPort = Annotated[
    str,
    ScalarField(
        "a host and port",
        "host:port, where host is a DNS name or an IPv4 address",
        "api.tokyo.example.com:6443",
        pattern=rf"{DNS_NAME}:\d{{1,5}}",
        check=_host_port,
    ),
]
AddressPort = Annotated[
    str,
    ScalarField(
        "an address and port",
        "address:port, where address is an unused IPv4 address",
        "10.89.1.100:8443",
        pattern=r"\d{1,3}(\.\d{1,3}){3}:\d{1,5}",
        check=_host_port,
    ),
]
Subnet = Annotated[
    IPv4Network,
    ScalarField(
        "an IPv4 network",
        "an IPv4 network in CIDR notation, with host bits zero",
        "10.244.0.0/16",
        check=_network,
    ),
]
Address = Annotated[
    IPv4Address, ScalarField("an IPv4 address", "an IPv4 address", "10.0.1.11", check=_address)
]
Domain = Annotated[
    str,
    ScalarField("a DNS domain", "a lower-case DNS domain", "cluster.local", pattern=DNS_NAME),
]
User = Annotated[
    str,
    ScalarField(
        "a user name", "the name of a user on the host", "ubuntu", pattern=r"[A-Za-z_][-\w.]{0,31}"
    ),
]
SecretName = Annotated[
    str,
    ScalarField(
        "the name of a config value",
        "the NAME of a secret config value of the stack, never the secret itself",
        "sshPrivateKey",
        pattern=r"[A-Za-z][A-Za-z0-9_-]{0,62}",
    ),
]
MirrorUrl = Annotated[
    str,
    ScalarField(
        "a base URL",
        "an http or https URL without user or password",
        "https://mirror.example.com",
        pattern=r"https?://[^\s?#]+",
        check=_mirror,
    ),
]
ProxyUrl = Annotated[
    str,
    ScalarField(
        "the URL of a proxy",
        "an http or https URL with host and port, without user or password",
        "http://proxy.example.com:3128",
        pattern=rf"https?://{DNS_NAME}:\d{{1,5}}/?",
        check=_proxy,
    ),
]
NoProxy = Annotated[
    str,
    ScalarField(
        "a host, a .domain, an address or a network",
        "a destination that bypasses the proxy: a host, a .domain, an address or a network",
        ".example.com",
        pattern=r"[A-Za-z0-9.:*_/-]+",
    ),
]
RegistryHost = Annotated[
    str,
    ScalarField(
        "a registry",
        "a registry host as in image references, with its port if they have one",
        "docker.io",
        pattern=rf"{DNS_NAME}(:\d{{1,5}})?",
    ),
]
LabelKey = Annotated[
    str,
    ScalarField(
        "a label key",
        "a Kubernetes label key: [domain/]name, at most 63 characters after the /",
        "region",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_label_key,
    ),
]
LabelValue = Annotated[
    str,
    ScalarField(
        "a label value",
        "at most 63 letters, digits, -, _ and .; quote numbers",
        "tokyo",
        pattern=rf"({LABEL_PART})?",
    ),
]
NodeLabelKey = Annotated[
    str,
    ScalarField(
        "a label key",
        "a Kubernetes label key of your own, topology.kubernetes.io/region or zone, or one of "
        + " and ".join(OPEN_NODE_DOMAINS),
        "disk",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}",
        check=_node_label_key,
    ),
]
TaintText = Annotated[
    str,
    ScalarField(
        "a taint",
        "key=value:effect or key:effect, where the effect is " + ", ".join(TAINT_EFFECTS),
        "dedicated=database:NoSchedule",
        pattern=rf"({DNS_NAME}/)?{LABEL_PART}(=({LABEL_PART})?)?:\w+",
        check=_taint,
    ),
]
AltName = Annotated[
    str,
    ScalarField(
        "a host",
        "an IPv4 address or a DNS name, optionally with a leading *.",
        "api.example.com",
        pattern=rf"(\*\.)?{DNS_NAME}",
        check=_alt_name,
    ),
]
Acknowledgement = Annotated[
    str,
    ScalarField(
        "a reason",
        "one line of at most 200 characters: why the cluster's data may be lost",
        "OPS-123: the staging cluster is recreated",
        check=_acknowledgement,
    ),
]
SnapshotPath = Annotated[
    str,
    ScalarField(
        "an absolute path",
        "the absolute path of a file on the host that runs Pulumi",
        "/var/backups/cluster1.db",
        pattern=r"/[^\x00-\x1f]*",
    ),
]
Seconds = Annotated[
    int | str,
    ScalarField(
        "a duration",
        "seconds, or a number with the unit s, m or h; at most 7 days",
        "120s",
        (int, str),
        check=_seconds,
        schema={"pattern": r"^\d{1,9}[smh]?$"},
    ),
]
DrainSeconds = Annotated[
    int | str,
    ScalarField(
        "a duration",
        "seconds, or a number with the unit s, m or h; from 1 s to 7 days",
        "120s",
        (int, str),
        check=_drain_seconds,
        schema={"pattern": r"^\d{1,9}[smh]?$", "minimum": 1},
    ),
]
MaxUnavailable = Annotated[
    int | str,
    ScalarField(
        "a number or a percentage",
        "a whole number from 1 to 5000, or 1% to 100%",
        "25%",
        (int, str),
        check=_max_unavailable,
        schema={"pattern": r"^\d{1,3}%$", "minimum": 1},
    ),
]
