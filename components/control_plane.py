"""The control planes of one cluster: one founds it, then each joins it, one at a time.

Founding is done once in a cluster's life, by the machine that is the first control plane then. It
is no step of that machine: when the machine is replaced, its successor joins like any other, so
that nobody ever founds a second cluster beside the first. Only a new consent to the loss of the
cluster's data has it founded again, empty or out of a snapshot. Joins follow one another because
etcd takes one new member at a time; everything before them happens side by side. Nor does a control
plane leave before the one in front of it has joined: each membership waits for the join before it,
and since Pulumi deletes in the opposite order, they also go one by one.
"""

import pulumi

from components.drivers import Driver
from components.machine import Machine
from components.pki import Pki
from components.steps import Settings
from model.fleet import Cluster


class ControlPlane(pulumi.ComponentResource):
    """The machines that run the API: `machines`, in the order of their indices."""

    def __init__(
        self, cluster: Cluster, driver: Driver, pki: Pki, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(
            "kubeadm-fleet:control_plane:ControlPlane", f"{cluster.name}-control-plane", None, opts
        )
        child = pulumi.ResourceOptions(parent=self)
        self.machines = [
            Machine(cluster, described, driver, pki, child) for described in cluster.control_planes
        ]
        trust = _pki_settings(pki)
        first, *others = self.machines
        addresses = [each.address for each in cluster.control_planes[1:]]
        # Done once the cluster's API answers; another one is another cluster.
        self.init = first.initialize(trust, addresses, child)
        before: pulumi.Resource = self.init
        # Who founded the cluster is its member already: the others need not wait for that.
        for machine in (*others, first):
            machine.join("control-plane", trust, after=[before])
            before = machine.joined
        self.register_outputs({})


def _pki_settings(pki: Pki) -> Settings:
    return {
        "CA_KEY": pki.cluster.private_key,
        "ETCD_CA_CERTIFICATE": pki.etcd.certificate,
        "ETCD_CA_KEY": pki.etcd.private_key,
        "FRONT_PROXY_CA_CERTIFICATE": pki.front_proxy.certificate,
        "FRONT_PROXY_CA_KEY": pki.front_proxy.private_key,
        "SERVICE_ACCOUNT_KEY": pki.service_account.private_key,
        "SERVICE_ACCOUNT_PUBLIC_KEY": pki.service_account.public_key,
    }
