"""The control planes of one cluster: one initializes it, the others join serially.

A cluster is initialized once in its life, by the machine that is the first control plane at that
time. Initialization is not a step of that machine: when the machine is replaced, its successor
joins like any other, so a second cluster is never initialized beside the first. Only a new consent
to the loss of the cluster's data initializes it again, empty or from a snapshot. Joins are serial
because etcd takes one new member at a time; everything before them runs in parallel. A control
plane does not leave before the one in front of it has joined, either: each membership waits for the
previous join, and since Pulumi deletes in reverse order, control planes also leave serially.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.api_server_secrets import ApiServerSecrets
from components.drivers import Driver
from components.machine import Machine, MachineArgs
from components.pki import Pki
from components.providers.initialization import Initialization, InitializationArgs
from model.fleet import Cluster


@dataclass(frozen=True)
class ControlPlaneArgs:
    """The cluster, the driver of its machines, its PKI, and the CAs of its API's clients.

    `secrets` are the secret files of its API servers.
    """

    cluster: Cluster
    driver: Driver
    pki: Pki
    clients: pulumi.Output[str]
    secrets: ApiServerSecrets


class ControlPlane(pulumi.ComponentResource):
    """The machines that run the API: `machines`, by name."""

    def __init__(
        self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:control_plane:ControlPlane", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._cluster = cluster = args.cluster
        self._pki = args.pki
        self._clients = args.clients
        self._secrets = args.secrets
        self.machines = [
            Machine(machine.name, MachineArgs(cluster, machine, args.driver, args.pki), child)
            for machine in cluster.control_planes
        ]

    def join(self, after: Sequence[pulumi.Resource]) -> None:
        """Prepare the machines once `after` is done, and make them one cluster; sets `init`."""
        for machine in self.machines:
            machine.prepare(after)
        trust = {
            **self._pki.trust,
            "CLIENT_AUTHORITIES": self._clients,
            "API_SERVER_SECRETS": self._secrets.table,
        }
        first, *others = self.machines
        addresses = [machine.address for machine in self._cluster.control_planes[1:]]
        options = pulumi.ResourceOptions(parent=self)
        # Done once the cluster's API answers; another initialization means another cluster.
        settings = {**trust, "ENCRYPTION_WRITER": self._secrets.writer}
        self.init = first.initialize(self._initialization(), settings, addresses, options)
        before: pulumi.Resource = self.init
        # The initial control plane is already a member: the others need not wait for its join.
        for machine in (*others, first):
            machine.join("control-plane", trust, after=[before])
            before = machine.joined
        self.register_outputs({})

    def _initialization(self) -> Initialization:
        cluster = self._cluster
        return Initialization(
            f"{cluster.name}-initialization",
            InitializationArgs(
                cluster=cluster.name,
                nodes=[machine.name for machine in self.machines],
                first=self.machines[0].id,
                data_loss=cluster.data_loss,
            ),
            pulumi.ResourceOptions(parent=self),
        )
