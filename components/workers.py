"""The workers of one cluster. They wait for its initialization, not for each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.drivers import Driver
from components.machine import ENDPOINT_SECONDS, Machine, MachineArgs
from components.pki import Pki
from components.sdk import value_of
from model.fleet import Cluster

FAILED_SECONDS = 20


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

    def join(self, init: pulumi.CustomResource, after: Sequence[pulumi.Resource]) -> None:
        """Prepare the machines once `after` is done; join them once `init` is, or could not be.

        They need the endpoint, whichever control plane answers: one that cannot be changed in this
        run stops no worker of a cluster that runs.
        """
        waits = value_of(init.id.apply(endpoint_seconds, run_with_unknowns=True))
        for machine in self.machines:
            machine.prepare(after)
            machine.join("worker", {"ENDPOINT_DEADLINE": waits}, after=[])
        self.register_outputs({})


def endpoint_seconds(init: str) -> str:
    """Return how long to wait for the endpoint; after a failure a cluster may still not exist."""
    is_failed = pulumi.contains_unknowns(init) and not pulumi.runtime.is_dry_run()
    return str(FAILED_SECONDS if is_failed else ENDPOINT_SECONDS)
