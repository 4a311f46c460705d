"""The config of a cluster and of the fleet; the JSON schema for editors is generated from it.

The neighbours of this file define the parts, model/rules checks constraints between values.
"""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from model import pins
from model.config.addresses import DNS_LABEL
from model.config.artifacts import Artifacts
from model.config.authentication import Authentication
from model.config.certificates import Certificates
from model.config.components import KubernetesComponents
from model.config.endpoint import Endpoint
from model.config.field import Flag
from model.config.hand_off import HandOff
from model.config.labels_and_taints import LabelKey, LabelValue
from model.config.machines import Machines
from model.config.networking import Networking, NetworkName, Networks
from model.config.overrides import Override
from model.config.people import People
from model.config.pools import ControlPlanes, Workers
from model.config.proxy_and_mirrors import OutboundAccess
from model.config.rotations import RotationPhases
from model.config.security import Security
from model.config.upgrades import RolloutStrategy, Upgrades
from model.config.version_name import VersionName


class ClusterConfig(KubernetesComponents, OutboundAccess):
    """One cluster."""

    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the cluster for selectors: environment, region, ...",
        examples=[{"region": "tokyo"}],
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
    networks: Networks = Field(
        default_factory=Networks,
        description="Consent to overlapping networks; overrides the fleet's setting.",
    )
    network: NetworkName = Field(
        "flannel",
        description="The pod network, a VXLAN between Nodes: that of `flannel` or of `calico`. "
        "Fixed once the cluster is initialized.",
    )
    metrics_server: Flag | None = Field(
        None, description="Run metrics-server in it; overrides the fleet's setting."
    )
    protect: Flag | None = Field(
        None, description="Reject deleting its machines and CAs; overrides the fleet's setting."
    )
    certificates: Certificates = Field(
        default_factory=Certificates, description="Lifetimes of its certificates."
    )
    authentication: Authentication = Field(
        default_factory=Authentication, description="The issuers of tokens that it accepts."
    )
    security: Security = Field(default_factory=Security, description="Its security.")
    hand_off: HandOff = Field(
        default_factory=HandOff, description="The tools in which it is registered."
    )
    rotations: RotationPhases = Field(
        default_factory=RotationPhases, description="Rotations of its CAs and keys."
    )
    machines: Machines = Field(default_factory=Machines, description="Its machine settings.")
    control_planes: ControlPlanes = Field(
        default_factory=ControlPlanes, description="Its control planes: 1, 3, 5 or 7."
    )
    workers: Workers = Field(default_factory=Workers, description="Its workers.")
    upgrades: RolloutStrategy = Field(
        default_factory=RolloutStrategy, description="Its rollout speed."
    )


ClusterName = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{DNS_LABEL}$"})]


class FleetConfig(KubernetesComponents, OutboundAccess):
    """The value of `kubeadm-fleet:fleet`."""

    kubernetes_version: VersionName = Field(
        pins.KUBERNETES, description="The default Kubernetes version of clusters."
    )
    metrics_server: Flag = Field(
        True,
        description="Run metrics-server in every cluster: what Nodes and pods use, for `kubectl "
        "top`, `fleet capacity` and horizontal scaling.",
    )
    protect: Flag = Field(False, description="Reject deleting machines and CAs of any cluster.")
    machines: Machines = Field(default_factory=Machines, description="Default machine settings.")
    networks: Networks = Field(
        default_factory=Networks, description="Consent to overlapping networks of any cluster."
    )
    certificates: Certificates = Field(
        default_factory=Certificates, description="Lifetimes of certificates of any cluster."
    )
    authentication: Authentication = Field(
        default_factory=Authentication, description="The issuers of tokens of any cluster."
    )
    security: Security = Field(default_factory=Security, description="The security of any cluster.")
    hand_off: HandOff = Field(
        default_factory=HandOff, description="The tools in which any cluster is registered."
    )
    artifacts: Artifacts = Field(
        default_factory=Artifacts, description="Where binaries and images come from."
    )
    upgrades: Upgrades = Field(
        default_factory=Upgrades,
        description="The rollout order of clusters and the rollout speed within them.",
    )
    people: People = Field(
        default_factory=People, description="The people who have access to clusters."
    )
    overrides: list[Override] = Field(
        default_factory=list,
        description="Settings of the clusters that a selector matches: they override the fleet's, "
        "a later entry an earlier one, and a cluster's own settings all of them.",
        examples=[[{"selector": "environment=prod", "protect": True}]],
    )
    clusters: dict[ClusterName, ClusterConfig] = Field(
        description="The clusters, by name.",
        examples=[{"cluster1": {"machines": {"subnet": "10.89.1.0/24"}}}],
    )
