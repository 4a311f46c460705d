"""The pod network of one cluster: objects that are applied as soon as the API answers.

A changed setting updates the objects in place, once no earlier wave holds the cluster; another
network, or another policy engine, is refused.
They are not deleted with the cluster, since they disappear with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.pki import Pki
from components.providers.hold import Hold
from components.providers.manifests import Manifests, ManifestsArgs
from model.cni import plugins
from model.fleet import Cluster


@dataclass(frozen=True)
class NetworkArgs:
    """The cluster, its PKI, the initialization after which its API answers, and earlier holds."""

    cluster: Cluster
    pki: Pki
    init: pulumi.CustomResource
    held_by: Sequence[pulumi.Output[Hold]]


class Network(pulumi.ComponentResource):
    """The pod network's objects."""

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:network:Network", name, None, opts)
        cluster, pki = args.cluster, args.pki
        self.objects = Manifests(
            f"{cluster.name}-pod-network",
            ManifestsArgs(
                identity=pki.identity,
                documents=plugins.pod_network(cluster),
                init=args.init.id,
                held_by=list(args.held_by),
                pod_network={
                    "cluster": cluster.name,
                    "connects": plugins.described(cluster),
                    "network": cluster.network,
                    "policies": cluster.network_policy,
                },
            ),
            # One resource whichever the network is: a change of it is seen, and refused. Its former
            # name was that of the only network.
            pulumi.ResourceOptions(
                parent=self,
                deleted_with=pki.cluster,
                aliases=[pulumi.Alias(name=f"{cluster.name}-flannel")],
            ),
        )
        self.register_outputs({})
