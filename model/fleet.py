"""The desired state of a fleet with all defaults applied; the input of the components."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from model import pins
from model.certificate_lifetimes import Lifetimes
from model.hand_off import Registration
from model.issuer import Issuer
from model.limits import Limits
from model.machine import ExistingSettings, Machine
from model.outbound import Outbound
from model.people import Access, Bound, Person
from model.rotation_phases import Rotations
from model.security import Security
from model.snapshot import Snapshot

NO_POLICY = "none"


@dataclass(frozen=True)
class Vip:
    """The virtual IP address, held by one control plane at a time (RFC 5798).

    The holder takes connections at `port` and passes them on; `router_id` tells it from other
    virtual addresses of the same network.
    """

    address: IPv4Address
    port: int
    router_id: int


@dataclass(frozen=True)
class Artifacts:
    """The source of binaries and images: "bundle" or "upstream"; `mirror` is a base URL.

    `sums` are the checksums of the mirror's files, by their address on the project's own site.
    """

    source: str
    mirror: str | None
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Volume:
    """A file or directory of a control plane in a component's pod; `type` as Kubernetes has it."""

    name: str
    host_path: str
    mount_path: str
    read_only: bool
    type: str


@dataclass(frozen=True)
class Component:
    """Settings of a control plane component in addition to kubeadm's.

    `extra_args` are flags without their dashes; `files` are texts by name, in its folder of files.
    Only the API server has `cert_sans`: further names and addresses in its certificate. etcd has
    neither files nor volumes.
    """

    extra_args: Mapping[str, str]
    cert_sans: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()


@dataclass(frozen=True)
class Upgrade:
    """The rollout settings of a cluster's machines.

    At most `max_unavailable` workers at a time (at least 1), in addition to those of pools with a
    limit of their own in `pool_limits`. Each is drained within `drain_seconds`, after which `force`
    decides whether what blocks is deleted or the change stops. Clusters of `wave` n wait until
    those of wave n-1 have been healthy for `soak_seconds`. Their systems have the security updates
    as of `security_updates`, "" if that does not matter.
    """

    max_unavailable: int
    pool_limits: Mapping[str, int]
    drain_seconds: int
    force: bool
    wave: int
    soak_seconds: int
    security_updates: str = ""


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
    # The prefix length of a Node's share of the pod subnet.
    node_cidr_mask_size: int
    service_subnet: IPv4Network
    # Whether its pod and Service networks may be in use elsewhere, too.
    networks_shared: bool
    dns_domain: str
    network: str
    # What enforces NetworkPolicy objects, or NO_POLICY.
    network_policy: str
    # Whether it has a metrics-server.
    metrics_server: bool
    protect: bool
    driver: str
    container_subnet: IPv4Network | None
    container_gateway: IPv4Address | None
    artifacts: Artifacts
    outbound: Outbound
    control_planes: tuple[Machine, ...]
    workers: tuple[Machine, ...]
    upgrade: Upgrade
    lifetimes: Lifetimes
    rotations: Rotations
    # The acknowledgement that etcd's data may be lost; "" if not given.
    data_loss: str
    # The snapshot from which the data is restored when the cluster is initialized again.
    snapshot: Snapshot | None
    # KubeletConfiguration fields that override kubeadm-fleet's own.
    kubelet: Mapping[str, Any]
    api_server: Component
    controller_manager: Component
    scheduler: Component
    etcd: Component
    security: Security
    # Whose tokens its API servers accept.
    issuers: tuple[Issuer, ...]
    # What people with certificates may do, beside the administrator.
    access: Access
    # What is bound for them, and for those who have tokens.
    bindings: tuple[Bound, ...]
    # Who is in the config and would have access if it had not been revoked.
    revoked: tuple[str, ...] = ()
    # The tools that know it.
    registrations: tuple[Registration, ...] = ()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """All machines, control planes first."""
        return (*self.control_planes, *self.workers)

    @property
    def most_unavailable(self) -> int:
        """The number of workers that a rollout changes at the same time at most."""
        limits = Limits(self.upgrade.max_unavailable, self.upgrade.pool_limits)
        sizes = Counter(limits.group(machine.pool) for machine in self.workers)
        return sum(min(size, limits.of(group)) for group, size in sizes.items())

    @property
    def supplements(self) -> tuple[str, ...]:
        """What its machines need besides the bundle of their version, by name."""
        chosen = {self.network, self.network_policy}
        if self.metrics_server:
            chosen.add("metrics-server")
        return tuple(name for name in pins.SUPPLEMENTS if name in chosen)

    @property
    def enforces_policies(self) -> bool:
        """Whether NetworkPolicy objects have an effect."""
        return self.network_policy != NO_POLICY

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
    """All clusters of a stack, in config order, and the people by name.

    `unmatched_overrides` has a warning for each override that matches no cluster.
    """

    clusters: tuple[Cluster, ...]
    people: tuple[Person, ...] = ()
    unmatched_overrides: tuple[str, ...] = ()

    @property
    def waves(self) -> tuple[tuple[Cluster, ...], ...]:
        """The clusters by wave, in rollout order; no wave is empty."""
        numbers = sorted({cluster.upgrade.wave for cluster in self.clusters})
        return tuple(
            tuple(cluster for cluster in self.clusters if cluster.upgrade.wave == number)
            for number in numbers
        )

    @property
    def private_key_names(self) -> tuple[str, ...]:
        """Names of the config secrets with SSH keys of existing hosts, without duplicates."""
        names = {settings.private_key_name for settings in self._existing if not settings.agent}
        return tuple(sorted(names))

    @property
    def sudo_password_names(self) -> tuple[str, ...]:
        """Names of the config secrets with sudo passwords, without duplicates."""
        names = {settings.sudo_password_name for settings in self._existing}
        return tuple(sorted(name for name in names if name is not None))

    @property
    def mirror_credential_names(self) -> tuple[str, ...]:
        """Names of the config secrets with credentials for mirrors, without duplicates."""
        mirrors = (
            mirror for cluster in self.clusters for mirror in cluster.outbound.mirrors.values()
        )
        return tuple(sorted({mirror.credentials for mirror in mirrors if mirror.credentials}))

    @property
    def audit_webhook_names(self) -> tuple[str, ...]:
        """Names of the config secrets with kubeconfigs of audit webhooks, without duplicates."""
        webhooks = (cluster.security.audit.webhook for cluster in self.clusters)
        return tuple(sorted({webhook.kubeconfig for webhook in webhooks if webhook}))

    @property
    def _existing(self) -> tuple[ExistingSettings, ...]:
        return tuple(
            machine.settings
            for cluster in self.clusters
            for machine in cluster.machines
            if isinstance(machine.settings, ExistingSettings)
        )
