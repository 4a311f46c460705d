"""The pod network of one cluster: objects that are applied as soon as the API answers.

A changed pod subnet or plugin updates the objects in place. They are not deleted with the cluster,
since they disappear with it.
"""

import pulumi

from components.pki import Pki
from components.providers.manifests import Manifests, ManifestsArgs
from model.cni import plugins
from model.fleet import Cluster


class Network(pulumi.ComponentResource):
    """The pod network's objects."""

    def __init__(
        self,
        cluster: Cluster,
        pki: Pki,
        init: pulumi.CustomResource,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("kubeadm-fleet:network:Network", f"{cluster.name}-network", None, opts)
        self.objects = Manifests(
            f"{cluster.name}-{cluster.network}",
            ManifestsArgs(
                kubeconfig=pki.kubeconfig,
                documents=plugins.pod_network(cluster),
                init=init.id,
            ),
            pulumi.ResourceOptions(parent=self, deleted_with=pki.cluster),
        )
        self.register_outputs({})
