"""The table of all items, in the benchmark's order.

Numbers, and which items are automated, are those of the CIS Kubernetes Benchmark of the version in
model/pins.py, as https://github.com/aquasecurity/kube-bench has them in cfg/cis-2.0.
"""

from model.cis import (
    access_policies,
    api_server,
    configuration,
    control_plane_files,
    controllers,
    etcd,
    kubelet,
    node_files,
    policies,
)
from model.cis.item import ClusterItem, Item, MachineItem

MACHINE_ITEMS: tuple[MachineItem, ...] = (
    *control_plane_files.items(),
    *api_server.ITEMS,
    *controllers.ITEMS,
    *etcd.ITEMS,
    *configuration.ITEMS,
    *node_files.items(),
    *kubelet.ITEMS,
)
CLUSTER_ITEMS: tuple[ClusterItem, ...] = (*access_policies.ITEMS, *policies.ITEMS)
ITEMS: tuple[Item, ...] = (*MACHINE_ITEMS, *CLUSTER_ITEMS)
NUMBERS = tuple(item.number for item in ITEMS)
