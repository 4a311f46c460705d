"""Describes a fleet of one highly available cluster."""

from ipaddress import IPv4Network
from typing import Any


def three_control_planes(network: IPv4Network, **cluster: Any) -> dict[str, Any]:
    """Return the config of `cluster1`: three control planes behind an address, and a worker.

    `cluster` has more of its keys.
    """
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            "cluster1": {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[100]}:8443"},
                "controlPlanes": {"count": 3},
                "workers": {"count": 1},
                **cluster,
            }
        },
    }
