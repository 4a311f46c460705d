"""The workers of one cluster. They wait for the cluster's endpoint, not for each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.drivers import Driver
from components.machine import Machine, MachineArgs
from components.pki import Pki
from model.fleet import Cluster


@dataclass(frozen=True)
class WorkersArgs:
    """The cluster, the driver of its machines, and its PKI."""

    cluster: Cluster
    driver: Driver
    pki: Pki


class Workers(pulumi.ComponentResource):
    """The machines that run the workloads: `machines`, by name, whatever their pools."""

    def __init__(
        self, name: str, args: WorkersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:workers:Workers", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.machines = [
            Machine(machine.name, MachineArgs(args.cluster, machine, args.driver, args.pki), child)
            for machine in args.cluster.workers
        ]

    def join(self, after: Sequence[pulumi.Resource]) -> None:
        """Prepare the machines once `after` is done, and join them to the cluster."""
        for machine in self.machines:
            machine.prepare(after)
            machine.join("worker", {}, after=[])
        self.register_outputs({})
