"""The networks within a cluster: pods, Services, DNS, and the pod network."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field

from model.cni.plugins import PLUGINS
from model.config.addresses import Domain, Subnet
from model.config.field import one_of
from model.config.strict import Strict

NetworkName = Annotated[str, one_of("pod network", PLUGINS, "flannel")]


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
