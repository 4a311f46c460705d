"""The workers of one cluster. They wait for the cluster's endpoint, not for each other."""

import pulumi

from components.drivers import Driver
from components.machine import Machine
from components.pki import Pki
from model.fleet import Cluster


class Workers(pulumi.ComponentResource):
    """The machines that run the workloads: `machines`, in index order."""

    def __init__(
        self, cluster: Cluster, driver: Driver, pki: Pki, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("kubeadm-fleet:workers:Workers", f"{cluster.name}-workers", None, opts)
        self.machines: list[Machine] = []
        for described in cluster.workers:
            machine = Machine(cluster, described, driver, pki, pulumi.ResourceOptions(parent=self))
            machine.join("worker", {}, after=[])
            self.machines.append(machine)
        self.register_outputs({})
