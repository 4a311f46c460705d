"""The fleet: one cluster component per described cluster, and what the stack exports.

Adding or removing a cluster in the config adds or removes that component and nothing else.
"""

from typing import Any

import pulumi

from components.cluster import Cluster
from components.resources.ssh_key import SshKey
from model import kubeconfig as kubeconfigs
from model.fleet import Fleet as Described


class Fleet(pulumi.ComponentResource):
    """All clusters: `kubeconfig` (secret) and `clusters` (a summary of each, by name)."""

    kubeconfig: pulumi.Output[str]
    clusters: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, fleet: Described, private_keys: dict[str, pulumi.Output[str]]
    ) -> None:
        super().__init__("kubeadm-fleet:fleet:Fleet", name, None)
        child = pulumi.ResourceOptions(parent=self)
        key = SshKey(f"{name}-ssh", comment="kubeadm-fleet", opts=child)
        made = {each.name: Cluster(each, key, private_keys, child) for each in fleet.clusters}
        contexts = pulumi.Output.all(*[cluster.context for cluster in made.values()])
        self.kubeconfig = pulumi.Output.secret(contexts.apply(kubeconfigs.render))
        self.clusters = pulumi.Output.all(
            **{cluster_name: cluster.summary for cluster_name, cluster in made.items()}
        )
        self.register_outputs({"clusters": self.clusters})
