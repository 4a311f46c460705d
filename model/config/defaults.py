"""Defaults: a cluster's settings with a value for everything that must have one.

They are the lowest layer of the settings that model/config/merged_settings.py merges.
"""

from pydantic import Field

from model import pins
from model.config import certificates
from model.config.artifacts import Artifacts
from model.config.authentication import Authentication, Issuer
from model.config.certificates import Certificates
from model.config.machines import DEFAULT_DRIVER, Host, Machines
from model.config.networking import Networks
from model.config.pools import ControlPlanes, Pool, WorkerPool, Workers
from model.config.proxy_and_mirrors import Proxy
from model.config.schema import ClusterConfig
from model.config.ssh import Ssh
from model.config.upgrades import DRAIN_SECONDS, Upgrades
from model.machine import CONTROL_PLANE_TAINT

CPUS = 2.0
MEMORY = "2Gi"


class EffectiveMachines(Machines):
    """Machine settings after merging."""

    driver: str = DEFAULT_DRIVER
    cpus: float = CPUS
    memory: str = MEMORY
    ssh: Ssh = Field(default_factory=Ssh)


class EffectivePool(Pool):
    """The settings of a pool after merging."""

    count: int = 0
    hosts: dict[str, Host] = Field(default_factory=dict)
    taints: list[str] = Field(default_factory=list)
    cpus: float = CPUS
    memory: str = MEMORY


class EffectiveWorkerPool(EffectivePool, WorkerPool):
    """The settings of a pool of workers after merging."""


class EffectiveWorkers(EffectivePool, Workers):
    """The settings of a cluster's workers after merging."""

    pools: dict[str, EffectiveWorkerPool] = Field(default_factory=dict)  # type: ignore[assignment]


class EffectiveControlPlanes(EffectivePool, ControlPlanes):
    """The settings of a cluster's control planes after merging; the taint is kubeadm's default."""

    count: int = 1
    taints: list[str] = Field(default_factory=lambda: [str(CONTROL_PLANE_TAINT)])


class EffectiveNetworks(Networks):
    """The consent to overlapping networks after merging."""

    shared: bool = False


class EffectiveUpgrades(Upgrades):
    """Rollout settings after merging."""

    max_unavailable: int | str = 1
    drain_timeout: int | str = DRAIN_SECONDS
    force: bool = False
    security_updates: str = ""


class EffectiveCertificates(Certificates):
    """Lifetimes of certificates after merging."""

    leaves: int | str = certificates.LEAVES
    kubelet_serving: int | str = certificates.KUBELET_SERVING
    authorities: int | str = certificates.AUTHORITIES
    admin: int | str = certificates.ADMIN
    warn_before: int | str = certificates.WARN_BEFORE


class EffectiveAuthentication(Authentication):
    """The issuers of tokens after merging."""

    issuers: list[Issuer] = Field(default_factory=list)


class EffectiveCluster(ClusterConfig):
    """All settings of one cluster after merging, those that only the fleet can set included."""

    kubernetes_version: str = pins.KUBERNETES
    metrics_server: bool = True
    protect: bool = False
    networks: EffectiveNetworks = Field(default_factory=EffectiveNetworks)
    proxy: Proxy = Field(default_factory=Proxy)
    certificates: EffectiveCertificates = Field(default_factory=EffectiveCertificates)
    authentication: EffectiveAuthentication = Field(default_factory=EffectiveAuthentication)
    machines: EffectiveMachines = Field(default_factory=EffectiveMachines)
    control_planes: EffectiveControlPlanes = Field(default_factory=EffectiveControlPlanes)
    workers: EffectiveWorkers = Field(default_factory=EffectiveWorkers)
    upgrades: EffectiveUpgrades = Field(default_factory=EffectiveUpgrades)
    artifacts: Artifacts = Field(default_factory=Artifacts)


DEFAULTS = EffectiveCluster()
POOL_DEFAULTS = EffectiveWorkerPool()
