"""The schema of the stack's config, with a description of every field.

fields.py defines the scalar values; model/rules checks constraints between values. The JSON schema
for editors is generated from these types.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic.alias_generators import to_camel

from model import pins
from model.cni.plugins import PLUGINS
from model.config import component_flags
from model.config.field import one_of
from model.config.fields import (
    DNS_LABEL,
    Acknowledgement,
    Address,
    AddressPort,
    AltName,
    Count,
    Cpus,
    Domain,
    DrainSeconds,
    Flag,
    HostKey,
    HostName,
    HostPort,
    LabelKey,
    LabelValue,
    MaxUnavailable,
    Memory,
    MirrorUrl,
    NodeLabelKey,
    NoProxy,
    Port,
    ProxyUrl,
    RegistryHost,
    Seconds,
    SecretName,
    SnapshotPath,
    Subnet,
    TaintText,
    User,
    VersionName,
)
from model.config.kubelet_fields import ENTRIES as KUBELET_FIELDS


class Strict(BaseModel):
    """A config object: camelCase keys, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Bastion(Strict):
    """The SSH jump host for the machines."""

    host: HostName = Field(description="The bastion's SSH address.")
    port: Port = Field(22, description="The bastion's SSH port.")
    user: User = Field(description="The SSH user on the bastion.")
    host_key: HostKey = Field(description="The bastion's SSH host key (public).")


class Ssh(Strict):
    """How to log in to existing hosts."""

    user: User = Field("root", description="The SSH user.")
    port: Port = Field(22, description="The default SSH port of hosts.")
    sudo: Flag = Field(False, description="Become root with sudo.")
    sudo_password: SecretName | None = Field(
        None,
        description="The name of the stack's secret config value with the sudo password; if unset, "
        "sudo must not ask for one.",
        examples=["sudoPassword"],
    )
    private_key: SecretName = Field(
        "sshPrivateKey",
        description="The name of the stack's secret config value with the SSH private key.",
    )
    agent: Flag = Field(False, description="Use the SSH agent instead of a private key.")
    bastion: Bastion | None = Field(None, description="The SSH jump host, if there is one.")


class Host(Strict):
    """An existing host, enrolled as one machine."""

    address: HostName = Field(description="The host's SSH address.")
    host_key: HostKey = Field(description="The host's SSH host key (public).")
    node_address: Address | None = Field(
        None, description="The address within the cluster, if it differs from `address`."
    )
    port: Port | None = Field(None, description="The SSH port, if it differs from that in `ssh`.")


class ContainerSize(Strict):
    """The size of a container machine."""

    cpus: Cpus | None = Field(None, description="CPU cores of a container machine (default 2).")
    memory: Memory | None = Field(None, description="Memory of a container machine (default 2Gi).")


class ContainerMachines(ContainerSize):
    """Settings of the driver `container`: machines created on this host."""

    subnet: Subnet | None = Field(
        None,
        description="The subnet of the cluster's bridge; the gateway is its first address.",
        examples=["10.89.1.0/24"],
    )


class ExistingMachines(Strict):
    """Settings of the driver `existing`: hosts reached over SSH."""

    ssh: Ssh | None = Field(
        None, description="How to log in; clusters can override individual keys."
    )


class ExistingPool(Strict):
    """The hosts of one role with the driver `existing`."""

    hosts: list[Host] | None = Field(
        None, description="The hosts, one per machine; a control plane needs 2 cores and 1700 MB."
    )


@dataclass(frozen=True)
class DriverKeys:
    """The keys that belong to one driver, in `machines` and in `controlPlanes` or `workers`."""

    machines: type[Strict]
    pool: type[Strict]


# The machine drivers. A new driver adds its keys here, its machines in model/load.py and its
# resources in components/drivers.py.
DRIVERS = {
    "container": DriverKeys(ContainerMachines, ContainerSize),
    "existing": DriverKeys(ExistingMachines, ExistingPool),
}
DEFAULT_DRIVER = "container"
DRAIN_SECONDS = 120
DriverName = Annotated[str, one_of("driver", DRIVERS, DEFAULT_DRIVER)]
SOURCES = ("bundle", "upstream")
SourceName = Annotated[str, one_of("source", SOURCES, "bundle")]
NetworkName = Annotated[str, one_of("pod network", PLUGINS, "flannel")]


class Machines(ContainerMachines, ExistingMachines):
    """Machine settings; the fleet's are defaults that a cluster can override."""

    driver: DriverName | None = Field(
        None,
        description="container: created on this host (default); existing: hosts reached over SSH.",
    )


class Pool(ContainerSize, ExistingPool):
    """The machines of one role."""

    count: Count | None = Field(None, description="The number of machines; optional with `hosts`.")
    labels: dict[NodeLabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the machines' Nodes.",
        examples=[{"disk": "ssd"}],
    )
    taints: list[TaintText] | None = Field(
        None, description="Taints of the machines' Nodes; control planes have kubeadm's by default."
    )


class ControlPlanes(Pool):
    """The machines that run the API."""

    accept_data_loss: Acknowledgement = Field(
        "", description="Why a cluster may be recreated although it loses its data; empty: never."
    )
    restore: SnapshotPath | None = Field(
        None,
        description="An etcd snapshot (`etcdctl snapshot save`) on the host that runs Pulumi, to "
        "restore a cluster that lost its only control plane; newer changes are lost.",
    )


class ApiServer(Strict):
    """API server settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_API_SERVER] = Field(
        default_factory=dict,
        description="Flags of kube-apiserver, without leading dashes.",
        examples=[{"audit-log-maxage": "30"}],
    )
    cert_sans: list[AltName] | None = Field(
        None,
        alias="certSANs",
        description="Additional subject alternative names of its certificate.",
    )


class ControllerManager(Strict):
    """Controller manager settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_CONTROLLER_MANAGER] = Field(
        default_factory=dict,
        description="Flags of kube-controller-manager, without leading dashes.",
        examples=[{"terminated-pod-gc-threshold": "500"}],
    )


class Scheduler(Strict):
    """Scheduler settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_SCHEDULER] = Field(
        default_factory=dict,
        description="Flags of kube-scheduler, without leading dashes.",
        examples=[{"v": "4"}],
    )


class Etcd(Strict):
    """etcd settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_ETCD] = Field(
        default_factory=dict,
        description="Flags of etcd, without leading dashes.",
        examples=[{"quota-backend-bytes": "8589934592"}],
    )


class KubernetesComponents(Strict):
    """Kubernetes component settings, named as in kubeadm; a cluster's override the fleet's."""

    kubelet: Annotated[dict[str, Any], KUBELET_FIELDS] = Field(
        default_factory=dict,
        description="Fields of KubeletConfiguration, for every machine.",
        examples=[{"maxPods": 200}],
    )
    api_server: ApiServer = Field(default_factory=ApiServer, description="The API servers.")
    controller_manager: ControllerManager = Field(
        default_factory=ControllerManager, description="The controller managers."
    )
    scheduler: Scheduler = Field(default_factory=Scheduler, description="The schedulers.")
    etcd: Etcd = Field(default_factory=Etcd, description="The members of etcd.")


class RolloutStrategy(Strict):
    """The rollout speed within a cluster."""

    max_unavailable: MaxUnavailable | None = Field(
        None, description="Workers updated at the same time: a number or a percentage (default 1)."
    )
    drain_timeout: DrainSeconds | None = Field(
        None,
        description="The timeout for draining a Node, in seconds or with a unit "
        f"(default {DRAIN_SECONDS}).",
    )
    force: Flag | None = Field(
        None,
        description="Delete pods that a PodDisruptionBudget still blocks after the drain timeout "
        "(default false).",
    )


# One selector or a list: the tags separate pydantic's errors and are removed from config paths.
UNION_TAGS = ("[one]", "[many]")
Selector = dict[LabelKey, LabelValue]
Selectors = Annotated[
    Annotated[Selector, Tag("[one]")] | Annotated[list[Selector], Tag("[many]")],
    Discriminator(lambda value: "[many]" if isinstance(value, list) else "[one]"),
]


class Upgrades(RolloutStrategy):
    """The rollout order of clusters, and the rollout speed within them."""

    canaries: Selectors = Field(
        default_factory=list,
        description="Label selector of the clusters updated first; a list defines several waves.",
        examples=[{"environment": "staging"}],
    )
    soak: Seconds = Field(
        0,
        description="How long a wave must be healthy before the next one starts, in seconds or "
        "with a unit.",
    )


class Networking(Strict):
    """The cluster's networking, named as in kubeadm."""

    pod_subnet: Subnet = Field(
        IPv4Network("10.244.0.0/16"), description="The subnet of pods; each Node gets a /24."
    )
    service_subnet: Subnet = Field(
        IPv4Network("10.96.0.0/12"),
        description="The subnet of Services, a /12 to a /24.",
        examples=["10.96.0.0/12"],
    )
    dns_domain: Domain = Field("cluster.local", description="The DNS domain of Services.")


class Artifacts(Strict):
    """The source of binaries and images."""

    source: SourceName = Field(
        "bundle", description="bundle: sent from this host; upstream: downloaded by each host."
    )
    mirror: MirrorUrl | None = Field(
        None, description="The base URL of a mirror that replaces the upstream hosts."
    )


class Endpoint(Strict):
    """The shared API endpoint of all control planes; exactly one of the two is set."""

    external: HostPort | None = Field(
        None, description="The host:port of an existing load balancer."
    )
    vip: AddressPort | None = Field(
        None,
        description="A virtual IP address:port on the control planes, provided by haproxy and "
        "keepalived; the address is an unused address in the machines' subnet.",
    )


class Proxy(Strict):
    """The proxy through which machines fetch binaries, packages and images."""

    http: ProxyUrl | None = Field(None, description="The proxy for http URLs.")
    https: ProxyUrl | None = Field(None, description="The proxy for https URLs.")
    no_proxy: list[NoProxy] = Field(
        default_factory=list,
        description="Destinations that bypass the proxy, in addition to the machine itself, pods "
        "and Services.",
    )


class OutboundAccess(Strict):
    """Proxy and registry mirrors."""

    proxy: Proxy | None = Field(
        None,
        description="The proxy to the internet; a cluster's replaces the fleet's, {} disables it.",
    )
    registry_mirrors: dict[RegistryHost, MirrorUrl] = Field(
        default_factory=dict,
        description="Mirrors that containerd tries first, by registry host; a cluster's entries "
        "override the fleet's.",
        examples=[{"docker.io": "https://mirror.example.com"}],
    )


class ClusterConfig(KubernetesComponents, OutboundAccess):
    """One cluster."""

    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the cluster for selectors: environment, region, ...",
    )
    kubernetes_version: VersionName | None = Field(
        None, description="The cluster's Kubernetes version, if it differs from the fleet's."
    )
    endpoint: Endpoint | None = Field(
        None,
        description="The API endpoint; required with more than one control plane.",
        examples=[{"vip": "10.89.1.100:8443"}],
    )
    networking: Networking = Field(
        default_factory=Networking, description="The cluster's networking."
    )
    network: NetworkName = Field("flannel", description="The pod network.")
    protect: Flag | None = Field(
        None, description="Reject deleting its machines and CAs; overrides the fleet's setting."
    )
    machines: Machines = Field(default_factory=Machines, description="Its machine settings.")
    control_planes: ControlPlanes = Field(
        default_factory=ControlPlanes, description="Its control planes: 1, 3, 5 or 7."
    )
    workers: Pool = Field(default_factory=Pool, description="Its workers.")
    upgrades: RolloutStrategy = Field(
        default_factory=RolloutStrategy, description="Its rollout speed."
    )


ClusterName = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{DNS_LABEL}$"})]


class FleetConfig(KubernetesComponents, OutboundAccess):
    """The value of `kubeadm-fleet:fleet`."""

    kubernetes_version: VersionName = Field(
        pins.KUBERNETES, description="The default Kubernetes version of clusters."
    )
    protect: Flag = Field(False, description="Reject deleting machines and CAs of any cluster.")
    machines: Machines = Field(default_factory=Machines, description="Default machine settings.")
    artifacts: Artifacts = Field(
        default_factory=Artifacts, description="Where binaries and images come from."
    )
    upgrades: Upgrades = Field(
        default_factory=Upgrades,
        description="The rollout order of clusters and the rollout speed within them.",
    )
    clusters: dict[ClusterName, ClusterConfig] = Field(
        description="The clusters, by name.",
        examples=[{"cluster1": {"machines": {"subnet": "10.89.1.0/24"}}}],
    )
