"""The networks within a cluster: pods, Services, DNS, the pod network, and their overlaps."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field

from model.cni.plugins import PLUGINS, POLICY_CHOICES
from model.config.addresses import Domain, Subnet
from model.config.field import Flag, ScalarField, between, one_of
from model.config.strict import Strict

# The controller manager's default for IPv4, and what leaves a Node more than a dozen pods.
# https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
NODE_CIDR_MASK_SIZE = 24
# The strict choice: without policies, every pod reaches every other.
POLICY_ENGINE = "calico"
MASK_SIZES = range(16, 29)

NodeCidrMaskSize = Annotated[
    int,
    ScalarField(
        "a prefix length",
        f"a whole number from {MASK_SIZES[0]} to {MASK_SIZES[-1]}",
        NODE_CIDR_MASK_SIZE,
        (int,),
        check=between(MASK_SIZES[0], MASK_SIZES[-1]),
    ),
]
NetworkName = Annotated[str, one_of("pod network", PLUGINS, "flannel")]
PolicyEngine = Annotated[str, one_of("policy engine", POLICY_CHOICES, "calico")]


class Networking(Strict):
    """The cluster's networking, named as in kubeadm."""

    pod_subnet: Subnet = Field(
        IPv4Network("10.244.0.0/16"),
        description="The subnet of pods, from which each Node gets its share.",
    )
    node_cidr_mask_size: NodeCidrMaskSize = Field(
        NODE_CIDR_MASK_SIZE,
        description="The prefix length of a Node's share of `podSubnet`: a /24 has addresses for "
        "253 pods, a /23 for 509.",
    )
    service_subnet: Subnet = Field(
        IPv4Network("10.96.0.0/12"),
        description="The subnet of Services, a /12 to a /24.",
        examples=["10.96.0.0/12"],
    )
    network_policy: PolicyEngine = Field(
        POLICY_ENGINE,
        description="What enforces NetworkPolicy objects: `calico`, beside flannel's network or as "
        "a part of its own, or `none`: then they have no effect. A running cluster can change "
        "`none` to `calico` beside flannel, Node by Node, and not back.",
    )
    dns_domain: Domain = Field("cluster.local", description="The DNS domain of Services.")


class Networks(Strict):
    """The relation of a cluster's pod and Service networks to everything else."""

    shared: Flag | None = Field(
        None,
        description="Accept that its pod and Service networks are in use elsewhere, too (default "
        "false): by another cluster of the fleet, by its machines, or as public addresses. It can "
        "never be connected to what has the same addresses.",
    )
