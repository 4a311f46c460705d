"""A fleet as it should be, with every default applied: what the components are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

CONTROL_PLANE = "control-plane"
WORKER = "worker"


@dataclass(frozen=True)
class ContainerSettings:
    """A machine on this host: `address_cidr` ("10.89.1.11/24"), cores, memory in bytes."""

    address_cidr: str
    gateway: str
    cpus: float
    memory_bytes: int


@dataclass(frozen=True)
class Bastion:
    """The host through which others are reached; `host_key` None accepts any."""

    host: str
    port: int
    user: str
    host_key: str | None


@dataclass(frozen=True)
class ExistingSettings:
    """A host that exists; `host_key` None accepts any, `private_key_name` names a config secret."""

    host: str
    port: int
    user: str
    sudo: bool
    private_key_name: str
    agent: bool
    host_key: str | None
    bastion: Bastion | None


@dataclass(frozen=True)
class Machine:
    """A machine that is to be a Node; `address` is the one that the cluster knows it by."""

    name: str
    cluster: str
    role: str
    index: int
    address: str
    settings: ContainerSettings | ExistingSettings


@dataclass(frozen=True)
class Artifacts:
    """Where binaries and images come from: `source` "bundle" or "upstream", `mirror` a base URL."""

    source: str
    mirror: str | None


@dataclass(frozen=True)
class Cluster:
    """A kubeadm cluster; `kubernetes_version` such as "v1.36.3"."""

    name: str
    labels: Mapping[str, str]
    kubernetes_version: str
    endpoint_host: str
    endpoint_port: int
    pod_subnet: IPv4Network
    service_subnet: IPv4Network
    dns_domain: str
    network: str
    protect: bool
    driver: str
    container_subnet: IPv4Network | None
    container_gateway: IPv4Address | None
    artifacts: Artifacts
    control_planes: tuple[Machine, ...]
    workers: tuple[Machine, ...]

    @property
    def machines(self) -> tuple[Machine, ...]:
        """All machines, control planes first."""
        return (*self.control_planes, *self.workers)

    @property
    def endpoint(self) -> str:
        """The API's `host:port`."""
        return f"{self.endpoint_host}:{self.endpoint_port}"

    @property
    def server(self) -> str:
        """The API's URL."""
        return f"https://{self.endpoint}"


@dataclass(frozen=True)
class Fleet:
    """All clusters of a stack, in the order in which the config names them."""

    clusters: tuple[Cluster, ...]

    @property
    def private_key_names(self) -> tuple[str, ...]:
        """Names of the config secrets that hold SSH keys of existing hosts, each once."""
        names = {
            machine.settings.private_key_name
            for cluster in self.clusters
            for machine in cluster.machines
            if isinstance(machine.settings, ExistingSettings) and not machine.settings.agent
        }
        return tuple(sorted(names))
