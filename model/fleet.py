"""A fleet as it should be, with every default applied: what the components are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from model.outbound import Outbound
from model.snapshot import Snapshot
from model.well_known import CONTROL_PLANE_LABEL

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
    """A host that exists; `host_key` None accepts any.

    `private_key_name` and `sudo_password_name` (None where sudo asks none) name config secrets.
    """

    host: str
    port: int
    user: str
    sudo: bool
    sudo_password_name: str | None
    private_key_name: str
    agent: bool
    host_key: str | None
    bastion: Bastion | None


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a Node: `effect` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return (
            f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"
        )


# kubeadm's own default, which a cluster's config may replace.
CONTROL_PLANE_TAINT = Taint(CONTROL_PLANE_LABEL, "", "NoSchedule")


@dataclass(frozen=True)
class Machine:
    """A machine that is to be a Node; `address` is the one that the cluster knows it by.

    `labels` and `taints` are those of the config, and the control plane's own taint; what a kubelet
    or a controller sets besides is theirs.
    """

    name: str
    cluster: str
    role: str
    index: int
    address: str
    settings: ContainerSettings | ExistingSettings
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


@dataclass(frozen=True)
class Vip:
    """The address that the control planes hold between them, one at a time (RFC 5798).

    The holder takes connections at `port` and passes them on; `router_id` tells it from other
    virtual addresses of the same network.
    """

    address: IPv4Address
    port: int
    router_id: int


@dataclass(frozen=True)
class Artifacts:
    """Where binaries and images come from: `source` "bundle" or "upstream", `mirror` a base URL."""

    source: str
    mirror: str | None


@dataclass(frozen=True)
class Component:
    """What a component of the control plane is told beyond what kubeadm tells it.

    `extra_args` are flags without their dashes. Only the API server has `cert_sans`: further names
    and addresses in its certificate.
    """

    extra_args: Mapping[str, str]
    cert_sans: tuple[str, ...] = ()


@dataclass(frozen=True)
class Upgrade:
    """How a cluster's machines are changed one after another.

    At most `max_unavailable` workers at a time (at least 1), each drained within `drain_seconds`,
    after which `force` decides whether what blocks is deleted or the change stops. Clusters of
    `wave` n wait until those of wave n-1 have been healthy for `soak_seconds`.
    """

    max_unavailable: int
    drain_seconds: int
    force: bool
    wave: int
    soak_seconds: int


@dataclass(frozen=True)
class Cluster:
    """A kubeadm cluster; `kubernetes_version` such as "v1.36.3"."""

    name: str
    labels: Mapping[str, str]
    kubernetes_version: str
    endpoint_host: str
    endpoint_port: int
    vip: Vip | None
    pod_subnet: IPv4Network
    service_subnet: IPv4Network
    dns_domain: str
    network: str
    protect: bool
    driver: str
    container_subnet: IPv4Network | None
    container_gateway: IPv4Address | None
    artifacts: Artifacts
    outbound: Outbound
    control_planes: tuple[Machine, ...]
    workers: tuple[Machine, ...]
    upgrade: Upgrade
    # The consent to lose what etcd holds; "" where nobody gave it.
    data_loss: str
    # What those data are restored from when the cluster is founded again.
    snapshot: Snapshot | None
    # Fields of KubeletConfiguration that are laid over the program's own.
    kubelet: Mapping[str, Any]
    api_server: Component
    controller_manager: Component
    scheduler: Component
    etcd: Component

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
    def waves(self) -> tuple[tuple[Cluster, ...], ...]:
        """The clusters by wave, in the order in which they are changed; none is empty."""
        numbers = sorted({cluster.upgrade.wave for cluster in self.clusters})
        return tuple(
            tuple(cluster for cluster in self.clusters if cluster.upgrade.wave == number)
            for number in numbers
        )

    @property
    def private_key_names(self) -> tuple[str, ...]:
        """Names of the config secrets that hold SSH keys of existing hosts, each once."""
        names = {each.private_key_name for each in self._existing if not each.agent}
        return tuple(sorted(names))

    @property
    def sudo_password_names(self) -> tuple[str, ...]:
        """Names of the config secrets that hold passwords for sudo, each once."""
        names = {each.sudo_password_name for each in self._existing}
        return tuple(sorted(name for name in names if name is not None))

    @property
    def _existing(self) -> tuple[ExistingSettings, ...]:
        return tuple(
            machine.settings
            for cluster in self.clusters
            for machine in cluster.machines
            if isinstance(machine.settings, ExistingSettings)
        )
