"""The cluster as a rollout uses it: its Nodes, how they are drained, the version that it records.

This is the only place where a rollout meets `ops.kube`'s clients.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from ops.kube import client, retirement
from ops.kube.client import Client
from ops.kube.nodes import Nodes


class ClusterNodes(Nodes):
    """The Nodes of one cluster, drained as its policy says."""

    def __init__(self, client: Client, *, drain_seconds: float, force: bool) -> None:
        super().__init__(client)
        self._drain_seconds = drain_seconds
        self._force = force

    @classmethod
    def from_props(cls, props: Mapping[str, Any]) -> "ClusterNodes":
        """Read the rollout's inputs."""
        policy = props["policy"]
        return cls(
            client.of(props["kubeconfig"]),
            drain_seconds=policy["drain_seconds"],
            force=policy["force"],
        )

    def drain(self, name: str) -> str:
        """Empty a cordoned Node; return which pods stay, and why, "" if none does."""
        return retirement.drain(self, name, deadline_seconds=self._drain_seconds, force=self._force)

    def recorded_version(self) -> str:
        """Return the version that the cluster's own objects are of."""
        return str(yaml.safe_load(self.cluster_document())["kubernetesVersion"])
