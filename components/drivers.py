"""Machine drivers by name: ways to provide a machine, behind one interface.

A driver turns the configured machine into one that is reachable over SSH. The rest of the program
does not distinguish drivers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import pulumi

from components.login import MachineLogin
from components.mirror_credentials import mirror_credentials
from components.providers.bridge import Bridge, BridgeArgs
from components.providers.container_machine import ContainerMachine, ContainerMachineArgs
from components.providers.existing_host import ExistingHost, ExistingHostArgs
from components.providers.port_check import PortCheck, PortCheckArgs
from components.providers.ssh_key import SshKey
from components.sdk import value_of
from model.fleet import Cluster
from model.machine import CONTROL_PLANE, ContainerSettings, ExistingSettings, Machine
from model.render import kubeadm
from ops.hosts.login import Login
from ops.rollout.inputs import FilesInputs

SSH_PORT = 22


@dataclass(frozen=True)
class Provisioned:
    """A provisioned machine: its identity and how to reach it.

    `id` is the resource's own ID, which a preview knows while the machine is being changed; it
    knows none of the outputs then. `settings` are the driver's settings for the `prepare` step,
    which runs again when they change. `kubernetes_version` is the one whose files the machine was
    given: a machine that is unavailable keeps the previous one, so no step is run on it.
    """

    resource: pulumi.CustomResource
    id: pulumi.Output[str]
    login: MachineLogin
    settings: Mapping[str, pulumi.Output[str]]
    kubernetes_version: pulumi.Output[str]


class Driver(Protocol):
    """Provisions the machines of one cluster."""

    def provision(
        self, machine: Machine, files: FilesInputs, opts: pulumi.ResourceOptions
    ) -> Provisioned:
        """Create or enroll `machine`, and deliver the table of its `files`."""

    def check_ports(self, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        """Return what to wait for before a machine is prepared, once all are provisioned."""


class ContainerDriver:
    """systemd-nspawn machines on this host, on the cluster's own bridge."""

    def __init__(
        self,
        cluster: Cluster,
        key: SshKey,
        secrets: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        self._cluster = cluster
        self._key = key
        self._credentials = _credentials(cluster, secrets)
        self._network = Bridge(
            f"{cluster.name}-bridge",
            BridgeArgs(
                owner=key.public_key,
                cluster=cluster.name,
                subnet=str(cluster.container_subnet),
                networks=_unshared_networks(cluster),
            ),
            opts,
        )

    def provision(
        self, machine: Machine, files: FilesInputs, opts: pulumi.ResourceOptions
    ) -> Provisioned:
        """Boot a machine and pin its generated host key."""
        settings, cluster = machine.settings, self._cluster
        assert isinstance(settings, ContainerSettings)
        resource = ContainerMachine(
            machine.name,
            ContainerMachineArgs(
                owner=self._key.public_key,
                cluster=cluster.name,
                hostname=machine.name,
                role=machine.role,
                kubernetes_version=cluster.kubernetes_version,
                bridge=self._network.bridge,
                address=settings.address_cidr,
                gateway=settings.gateway,
                cpus=settings.cpus,
                memory=settings.memory_bytes,
                authorized_key=self._key.public_key,
                files=files["table"],
                supplements=list(cluster.supplements),
            ),
            opts,
        )
        login = MachineLogin(
            Login(machine.address, SSH_PORT, "root"),
            {"private_key": self._key.private_key, "host_key": resource.host_key},
        )
        return Provisioned(
            resource,
            resource.id,
            login,
            settings={"ARTIFACTS_DIGEST": resource.artifacts_digest, **self._credentials},
            kubernetes_version=resource.kubernetes_version,
        )

    def check_ports(self, _opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        """Return nothing: machines on one bridge reach each other."""
        return []


class ExistingDriver:
    """Existing hosts, enrolled over SSH."""

    def __init__(
        self,
        cluster: Cluster,
        key: SshKey,
        secrets: Mapping[str, pulumi.Output[str]],
        _opts: pulumi.ResourceOptions,
    ) -> None:
        self._cluster = cluster
        self._key = key
        self._secrets = secrets
        self._credentials = _credentials(cluster, secrets)
        self._provisioned: dict[str, Provisioned] = {}

    def provision(
        self, machine: Machine, files: FilesInputs, opts: pulumi.ResourceOptions
    ) -> Provisioned:
        """Enroll a host; deleting the resource restores the host's original state."""
        settings, cluster = machine.settings, self._cluster
        assert isinstance(settings, ExistingSettings)
        vip = cluster.vip
        login = MachineLogin(Login.from_settings(settings), self._named_secrets(settings))
        resource = ExistingHost(
            machine.name,
            ExistingHostArgs(
                fleet=self._key.public_key.apply(fleet_id),
                machine=machine.name,
                role=machine.role,
                kubernetes_version=cluster.kubernetes_version,
                source=cluster.artifacts.source,
                mirror=cluster.artifacts.mirror,
                sums=cluster.artifacts.sums if cluster.artifacts.mirror else None,
                login=login.to_props(),
                host_key_check=login.host_key_check,
                endpoint_port=vip.port if vip and machine.role == CONTROL_PLANE else None,
                networks=_unshared_networks(cluster),
                address=machine.address,
                swap=kubeadm.accepts_swap(cluster, machine),
                own_resolver=kubeadm.has_own_resolver(cluster, machine),
                files=files["table"],
                supplements=list(cluster.supplements) or None,
            ),
            opts,
        )
        self._provisioned[machine.name] = provisioned = Provisioned(
            resource,
            resource.id,
            login,
            settings={"ARTIFACTS_DIGEST": resource.artifacts_digest, **self._credentials},
            kubernetes_version=resource.kubernetes_version,
        )
        return provisioned

    def check_ports(self, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        """Try the ports between the hosts that could be enrolled."""
        cluster, vip = self._cluster, self._cluster.vip
        check = PortCheck(
            f"{cluster.name}-ports",
            PortCheckArgs(
                cluster=cluster.name,
                endpoint=cluster.endpoint,
                pod_subnet=str(cluster.pod_subnet),
                network=cluster.network,
                vip_port=vip.port if vip else None,
                hosts={
                    machine.name: {"role": machine.role, "address": machine.address}
                    for machine in cluster.machines
                },
                machine_ids={
                    name: id_unless_failed(host.resource)
                    for name, host in self._provisioned.items()
                },
                logins={name: host.login.to_props() for name, host in self._provisioned.items()},
            ),
            opts,
        )
        return [check]

    def _named_secrets(self, settings: ExistingSettings) -> dict[str, pulumi.Output[str]]:
        names = {
            "private_key": None if settings.agent else settings.private_key_name,
            "sudo_password": settings.sudo_password_name,
        }
        return {field: self._secrets[name] for field, name in names.items() if name is not None}


def fleet_id(public_key: str) -> str:
    """Return the name under which hosts are claimed for the fleet with this key."""
    return sha256(public_key.encode()).hexdigest()[:16]


def id_unless_failed(resource: pulumi.CustomResource) -> pulumi.Output[str]:
    """Return a resource's ID, "" if this run could not create it.

    It depends on no resource: the engine skips what depends on one that failed.
    """
    return value_of(resource.id.apply(_blank_if_failed, run_with_unknowns=True))


def _blank_if_failed(id_: str) -> str:
    if pulumi.contains_unknowns(id_) and not pulumi.runtime.is_dry_run():
        return ""
    return id_


def driver_for(
    cluster: Cluster,
    key: SshKey,
    secrets: Mapping[str, pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
) -> Driver:
    """Return the configured driver of the cluster."""
    return DRIVERS[cluster.driver](cluster, key, secrets, opts)


DRIVERS: dict[str, Callable[..., Driver]] = {
    "container": ContainerDriver,
    "existing": ExistingDriver,
}


def _credentials(
    cluster: Cluster, secrets: Mapping[str, pulumi.Output[str]]
) -> dict[str, pulumi.Output[str]]:
    """Return the setting with the machines' credentials for registry mirrors, if they need any."""
    table = mirror_credentials(cluster, secrets)
    return {} if table is None else {"MIRROR_CREDENTIALS": table}


def _unshared_networks(cluster: Cluster) -> dict[str, str]:
    """Return the networks that the host must not need, unless the config accepts it."""
    if cluster.networks_shared:
        return {}
    return {"podSubnet": str(cluster.pod_subnet), "serviceSubnet": str(cluster.service_subnet)}
