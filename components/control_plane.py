"""The control planes of one cluster, which join one at a time.

Every machine runs the same step: join if the cluster answers, initialise if it does not and this
is the designated one. A machine's step waits for the one before it, since etcd takes one new member
at a time; everything before that happens side by side.
"""

import pulumi

from components.drivers import Driver
from components.machine import Machine
from components.pki import Pki
from model import kubeadm
from model.fleet import Cluster


class ControlPlane(pulumi.ComponentResource):
    """The machines that run the API: `machines`, in the order of their indices."""

    def __init__(
        self, cluster: Cluster, driver: Driver, pki: Pki, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(
            "kubeadm-fleet:control_plane:ControlPlane", f"{cluster.name}-control-plane", None, opts
        )
        self.machines: list[Machine] = []
        before: list[pulumi.Resource] = []
        for described in cluster.control_planes:
            machine = Machine(cluster, described, driver, pki, pulumi.ResourceOptions(parent=self))
            machine.join(
                "control-plane",
                {
                    "DESIGNATED": "no" if before else "yes",
                    "INIT_DOCUMENTS": kubeadm.init_documents(cluster, described),
                    "CA_KEY": pki.cluster.private_key,
                    "ETCD_CA_CERTIFICATE": pki.etcd.certificate,
                    "ETCD_CA_KEY": pki.etcd.private_key,
                    "FRONT_PROXY_CA_CERTIFICATE": pki.front_proxy.certificate,
                    "FRONT_PROXY_CA_KEY": pki.front_proxy.private_key,
                    "SERVICE_ACCOUNT_KEY": pki.service_account.private_key,
                    "SERVICE_ACCOUNT_PUBLIC_KEY": pki.service_account.public_key,
                },
                after=before,
            )
            before = [machine.joined]
            self.machines.append(machine)
        self.register_outputs({})

    @property
    def answers(self) -> pulumi.Resource:
        """What is done once the cluster's API answers."""
        return self.machines[0].joined
