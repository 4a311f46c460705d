"""The cluster as used by a rollout: its Nodes, their drains, its recorded version.

This is the only place where a rollout uses `ops.kube`'s clients.
"""

from collections.abc import Callable, Mapping

import yaml

from ops.kube import etcd_space, losses, retirement
from ops.kube.client import Client
from ops.kube.nodes import Nodes


class ClusterNodes(Nodes):
    """The Nodes of one cluster, drained according to its policy."""

    def __init__(self, client: Client, *, drain_seconds: float, force: bool) -> None:
        super().__init__(client)
        self._drain_seconds = drain_seconds
        self._force = force

    def drain(self, name: str, report: Callable[[str], None]) -> str:
        """Drain a cordoned Node; return the pods that stay and why, "" if there are none.

        `report` gets a line when the drain goes on beyond its deadline.
        """
        return retirement.drain(
            self,
            name,
            deadline_seconds=self._drain_seconds,
            force=self._force,
            report=report,
        )

    def losses(self, leaving: Mapping[str, bool]) -> dict[str, str]:
        """Describe what the drains of these Nodes delete for good; whether a Node also leaves."""
        return losses.of_drains(self.client, leaving)

    def reject_etcd_alarm(self, cluster: str) -> None:
        """Raise OperatorError if etcd accepts no writes."""
        etcd_space.reject_alarm(self.client, cluster)

    def recorded_version(self) -> str:
        """Return the version of the cluster's own objects."""
        return str(yaml.safe_load(self.cluster_document())["kubernetesVersion"])
