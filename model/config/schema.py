"""The stack's config as a person writes it: its parts, with a description of every field.

What one value may be is said in fields.py; what two of them must not do to each other is checked in
model/rules. The JSON schema for editors is made from these types.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic.alias_generators import to_camel

from model import pins
from model.cni.plugin import PLUGINS
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
    """A part of the config: camelCase keys, nothing unknown, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Bastion(Strict):
    """The host through which the others are reached."""

    host: HostName = Field(description="Where the bastion's SSH answers.")
    port: Port = Field(22, description="The bastion's SSH port.")
    user: User = Field(description="The user to log in to the bastion as.")
    host_key: HostKey = Field(description="The bastion's public host key.")


class Ssh(Strict):
    """How to log in to existing hosts."""

    user: User = Field("root", description="The user to log in as.")
    port: Port = Field(22, description="The SSH port of hosts that name none of their own.")
    sudo: Flag = Field(False, description="Become root with sudo.")
    sudo_password: SecretName | None = Field(
        None,
        description="Name of the stack's secret config value that holds the password that sudo "
        "asks; without it, sudo must not ask.",
        examples=["sudoPassword"],
    )
    private_key: SecretName = Field(
        "sshPrivateKey", description="Name of the stack's secret config value that holds the key."
    )
    agent: Flag = Field(False, description="Use the SSH agent instead of a private key.")
    bastion: Bastion | None = Field(None, description="A host to go through, if there is one.")


class Host(Strict):
    """A host that exists, taken over as one machine."""

    address: HostName = Field(description="Where SSH answers.")
    host_key: HostKey = Field(description="The host's public host key.")
    node_address: Address | None = Field(
        None, description="The address that the cluster uses, if it is not `address`."
    )
    port: Port | None = Field(None, description="The SSH port, if it is not that of `ssh`.")


class ContainerSize(Strict):
    """How large a container machine is."""

    cpus: Cpus | None = Field(None, description="Cores of a container machine (default 2).")
    memory: Memory | None = Field(None, description="Memory of a container machine (default 2Gi).")


class ContainerMachines(ContainerSize):
    """What the driver `container` takes: machines made on this host."""

    subnet: Subnet | None = Field(
        None,
        description="The network of the cluster's bridge; the gateway is its first address.",
        examples=["10.89.1.0/24"],
    )


class ExistingMachines(Strict):
    """What the driver `existing` takes: hosts reached over SSH."""

    ssh: Ssh | None = Field(None, description="How to log in; clusters may override single keys.")


class ExistingPool(Strict):
    """What names the machines of one role with the driver `existing`."""

    hosts: list[Host] | None = Field(
        None, description="The hosts, one a machine; a control plane needs 2 cores and 1700 MB."
    )


@dataclass(frozen=True)
class DriverKeys:
    """The keys that belong to one driver, in `machines` and in `controlPlanes` or `workers`."""

    machines: type[Strict]
    pool: type[Strict]


# The machine drivers that a config may name. A new one brings its keys here, its layout in
# model/load.py and its resources in components/drivers.py.
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
    """What machines are made of. What the fleet says holds where a cluster says nothing else."""

    driver: DriverName | None = Field(
        None, description="container: made on this host (the default); existing: hosts over SSH."
    )


class Pool(ContainerSize, ExistingPool):
    """The machines of one role."""

    count: Count | None = Field(
        None, description="How many machines; with `hosts` it may be left out."
    )
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
        "", description="Why a cluster that would lose its data may be made anew; empty: never."
    )
    restore: SnapshotPath | None = Field(
        None,
        description="A snapshot of etcd (`etcdctl snapshot save`) on the machine that runs Pulumi, "
        "from which a cluster that lost its only control plane is restored; what is newer is lost.",
    )


class ApiServer(Strict):
    """What the API servers are told beyond what kubeadm tells them."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_API_SERVER] = Field(
        default_factory=dict,
        description="Flags of kube-apiserver, without their dashes.",
        examples=[{"audit-log-maxage": "30"}],
    )
    cert_sans: list[AltName] | None = Field(
        None, alias="certSANs", description="Further names and addresses in its certificate."
    )


class ControllerManager(Strict):
    """What the controller managers are told beyond what kubeadm tells them."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_CONTROLLER_MANAGER] = Field(
        default_factory=dict,
        description="Flags of kube-controller-manager, without their dashes.",
        examples=[{"terminated-pod-gc-threshold": "500"}],
    )


class Scheduler(Strict):
    """What the schedulers are told beyond what kubeadm tells them."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_SCHEDULER] = Field(
        default_factory=dict,
        description="Flags of kube-scheduler, without their dashes.",
        examples=[{"v": "4"}],
    )


class Etcd(Strict):
    """What etcd is told beyond what kubeadm tells it."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_ETCD] = Field(
        default_factory=dict,
        description="Flags of etcd, without their dashes.",
        examples=[{"quota-backend-bytes": "8589934592"}],
    )


class KubernetesComponents(Strict):
    """Settings of Kubernetes' own parts, in kubeadm's words; a cluster's lie over the fleet's."""

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
    """How fast the machines of a cluster are changed."""

    max_unavailable: MaxUnavailable | None = Field(
        None, description="Workers that may be changed at a time: a number or a percentage (1)."
    )
    drain_timeout: DrainSeconds | None = Field(
        None,
        description="How long a Node may take to be drained, in seconds or with a unit "
        f"({DRAIN_SECONDS}).",
    )
    force: Flag | None = Field(
        None,
        description="Delete pods that a disruption budget still holds at the deadline (false).",
    )


# One selector, or several: the tags keep pydantic's errors apart and are in no config's path.
UNION_TAGS = ("[one]", "[many]")
Selector = dict[LabelKey, LabelValue]
Selectors = Annotated[
    Annotated[Selector, Tag("[one]")] | Annotated[list[Selector], Tag("[many]")],
    Discriminator(lambda value: "[many]" if isinstance(value, list) else "[one]"),
]


class Upgrades(RolloutStrategy):
    """In which order clusters are changed, and how fast their machines."""

    canaries: Selectors = Field(
        default_factory=list,
        description="Labels of the clusters that go first; a list makes several waves.",
        examples=[{"environment": "staging"}],
    )
    soak: Seconds = Field(
        0,
        description="How long a wave must stay healthy before the next, in seconds or with a unit.",
    )


class Networking(Strict):
    """The cluster's inner addresses, in kubeadm's words."""

    pod_subnet: Subnet = Field(
        IPv4Network("10.244.0.0/16"), description="Addresses of pods; each Node takes a /24."
    )
    service_subnet: Subnet = Field(
        IPv4Network("10.96.0.0/12"),
        description="Addresses of Services, a /12 to a /24.",
        examples=["10.96.0.0/12"],
    )
    dns_domain: Domain = Field("cluster.local", description="The domain of Services' names.")


class Artifacts(Strict):
    """Where binaries and images come from."""

    source: SourceName = Field(
        "bundle", description="bundle: sent from this host; upstream: each host downloads itself."
    )
    mirror: MirrorUrl | None = Field(
        None, description="Base URL of a mirror that stands in for upstream's hosts."
    )


class Endpoint(Strict):
    """Where a cluster's API answers, whichever of its control planes does: one of the two."""

    external: HostPort | None = Field(
        None, description="The host:port of a load balancer that is there already."
    )
    vip: AddressPort | None = Field(
        None,
        description="The address:port that the control planes hold between them, with haproxy and "
        "keepalived; the address is one of the machines' network that nothing has.",
    )


class Proxy(Strict):
    """The proxy through which machines fetch binaries, packages and images."""

    http: ProxyUrl | None = Field(None, description="The proxy for http URLs.")
    https: ProxyUrl | None = Field(None, description="The proxy for https URLs.")
    no_proxy: list[NoProxy] = Field(
        default_factory=list,
        description="What is reached without it, besides the machine itself, pods and Services.",
    )


class OutboundAccess(Strict):
    """What lies between the machines and the internet."""

    proxy: Proxy | None = Field(
        None,
        description="The proxy to the internet; a cluster's stands for the fleet's, {} for none.",
    )
    registry_mirrors: dict[RegistryHost, MirrorUrl] = Field(
        default_factory=dict,
        description="Where containerd asks first for images of a registry, by the registry's host; "
        "a cluster's lie over the fleet's.",
        examples=[{"docker.io": "https://mirror.example.com"}],
    )


class ClusterConfig(KubernetesComponents, OutboundAccess):
    """One cluster."""

    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="What the cluster is found by: environment, region, ..."
    )
    kubernetes_version: VersionName | None = Field(
        None, description="This cluster's Kubernetes version, if it is not the fleet's."
    )
    endpoint: Endpoint | None = Field(
        None,
        description="The API's address; needed with more than one control plane.",
        examples=[{"vip": "10.89.1.100:8443"}],
    )
    networking: Networking = Field(
        default_factory=Networking, description="The cluster's inner addresses."
    )
    network: NetworkName = Field("flannel", description="The pod network.")
    protect: Flag | None = Field(
        None, description="Refuse to delete its machines and CAs, whatever the fleet says."
    )
    machines: Machines = Field(
        default_factory=Machines, description="What its machines are made of."
    )
    control_planes: ControlPlanes = Field(
        default_factory=ControlPlanes, description="Its control planes: 1, 3, 5 or 7."
    )
    workers: Pool = Field(default_factory=Pool, description="Its workers, any number.")
    upgrades: RolloutStrategy = Field(
        default_factory=RolloutStrategy, description="How fast its machines are changed."
    )


ClusterName = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{DNS_LABEL}$"})]


class FleetConfig(KubernetesComponents, OutboundAccess):
    """The value of `kubeadm-fleet:fleet`."""

    kubernetes_version: VersionName = Field(
        pins.KUBERNETES, description="The Kubernetes version of clusters that name none."
    )
    protect: Flag = Field(False, description="Refuse to delete machines and CAs of every cluster.")
    machines: Machines = Field(
        default_factory=Machines, description="What machines are made of by default."
    )
    artifacts: Artifacts = Field(
        default_factory=Artifacts, description="Where machines get binaries and images from."
    )
    upgrades: Upgrades = Field(
        default_factory=Upgrades, description="In which order and how fast clusters are changed."
    )
    clusters: dict[ClusterName, ClusterConfig] = Field(
        description="The clusters, by name.",
        examples=[{"cluster1": {"machines": {"subnet": "10.89.1.0/24"}}}],
    )
