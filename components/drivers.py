"""Machine drivers by name: how a machine comes to be, behind one interface.

A driver turns the machine that a person described into one that can be reached over SSH. The rest
of the program cannot tell drivers apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

import pulumi
from pulumi_command import remote

from components.resources.container_machine import ContainerMachine
from components.resources.container_network import ContainerNetwork
from components.resources.existing_host import ExistingHost
from components.resources.ssh_key import SshKey
from components.steps import Settings
from model.fleet import Bastion, Cluster, ContainerSettings, ExistingSettings, Machine

DIAL_ERROR_LIMIT = 10


@dataclass(frozen=True)
class Placed:
    """A machine that exists: its identity and how to reach it.

    `id` is the resource's own, which a preview knows while the machine is changed; of its outputs a
    preview of a change knows none. `settings` are the driver's own for the step that prepares the
    machine, which runs again when they change.
    """

    resource: pulumi.Resource
    id: pulumi.Output[str]
    connection: pulumi.Input[remote.ConnectionArgs]
    sudo: bool
    settings: Settings


class Driver(Protocol):
    """Places the machines of one cluster."""

    def place(self, machine: Machine, opts: pulumi.ResourceOptions) -> Placed:
        """Make or take over `machine`."""


class ContainerDriver:
    """systemd-nspawn machines on this host, on a bridge of the cluster's own."""

    def __init__(
        self,
        cluster: Cluster,
        key: SshKey,
        _private_keys: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        self._cluster = cluster
        self._key = key
        self._network = ContainerNetwork(
            f"{cluster.name}-bridge",
            owner=key.public_key,
            cluster=cluster.name,
            subnet=str(cluster.container_subnet),
            opts=opts,
        )

    def place(self, machine: Machine, opts: pulumi.ResourceOptions) -> Placed:
        """Boot a machine and pin the host key that was made for it."""
        settings = machine.settings
        assert isinstance(settings, ContainerSettings)
        resource = ContainerMachine(
            machine.name,
            owner=self._key.public_key,
            cluster=self._cluster.name,
            hostname=machine.name,
            role=machine.role,
            kubernetes_version=self._cluster.kubernetes_version,
            bridge=self._network.bridge,
            address=settings.address_cidr,
            gateway=settings.gateway,
            cpus=settings.cpus,
            memory=settings.memory_bytes,
            authorized_key=self._key.public_key,
            opts=opts,
        )
        connection = remote.ConnectionArgs(
            host=machine.address,
            user="root",
            private_key=self._key.private_key,
            host_key=resource.host_key,
            dial_error_limit=DIAL_ERROR_LIMIT,
        )
        return Placed(
            resource,
            resource.id,
            connection,
            sudo=False,
            settings={"SUPPLIES": resource.supplies},
        )


class ExistingDriver:
    """Hosts that exist already, taken over through SSH."""

    def __init__(
        self,
        cluster: Cluster,
        key: SshKey,
        private_keys: Mapping[str, pulumi.Output[str]],
        _opts: pulumi.ResourceOptions,
    ) -> None:
        self._cluster = cluster
        self._key = key
        self._private_keys = private_keys

    def place(self, machine: Machine, opts: pulumi.ResourceOptions) -> Placed:
        """Take a host over; deleting it gives it back as it was found."""
        settings = machine.settings
        assert isinstance(settings, ExistingSettings)
        private_key = None if settings.agent else self._private_keys[settings.private_key_name]
        resource = ExistingHost(
            machine.name,
            owner=self._key.public_key,
            machine=machine.name,
            role=machine.role,
            kubernetes_version=self._cluster.kubernetes_version,
            source=self._cluster.artifacts.source,
            mirror=self._cluster.artifacts.mirror,
            host=settings.host,
            port=settings.port,
            user=settings.user,
            sudo=settings.sudo,
            host_key=settings.host_key,
            private_key=private_key,
            bastion=asdict(settings.bastion) if settings.bastion else None,
            opts=opts,
        )
        connection = remote.ConnectionArgs(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            private_key=private_key,
            host_key=settings.host_key,
            dial_error_limit=DIAL_ERROR_LIMIT,
            proxy=_proxy(settings.bastion, private_key) if settings.bastion else None,
        )
        return Placed(
            resource,
            resource.id,
            connection,
            sudo=settings.sudo,
            settings={"SUPPLIES": resource.supplies},
        )


def _proxy(bastion: Bastion, private_key: pulumi.Output[str] | None) -> remote.ProxyConnectionArgs:
    return remote.ProxyConnectionArgs(
        host=bastion.host,
        port=bastion.port,
        user=bastion.user,
        private_key=private_key,
        host_key=bastion.host_key,
        dial_error_limit=DIAL_ERROR_LIMIT,
    )


def driver_for(
    cluster: Cluster,
    key: SshKey,
    private_keys: Mapping[str, pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
) -> Driver:
    """Return the driver that the cluster's config names."""
    return DRIVERS[cluster.driver](cluster, key, private_keys, opts)


DRIVERS: dict[str, Callable[..., Driver]] = {
    "container": ContainerDriver,
    "existing": ExistingDriver,
}
