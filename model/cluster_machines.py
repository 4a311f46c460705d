"""The machines of a cluster, each with the settings of its driver."""

from collections.abc import Callable

from model.config.address_blocks import GATEWAY
from model.config.machines import Host
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedMachine
from model.config.ssh import ANY_HOST_KEY, Ssh
from model.config.ssh import Bastion as BastionConfig
from model.machine import Bastion, ContainerSettings, ExistingSettings, Machine, Taint
from model.well_known import POOL_LABEL


def of(cluster: ResolvedCluster) -> tuple[Machine, ...]:
    """Return all machines, control planes first."""
    return tuple(_machine(cluster, machine) for machine in cluster.machines)


def _machine(cluster: ResolvedCluster, machine: ResolvedMachine) -> Machine:
    pool = machine.pool
    return Machine(
        name=machine.name,
        cluster=cluster.name,
        role=pool.role,
        pool=pool.name,
        address=str(machine.address),
        settings=MACHINE_BUILDERS[cluster.driver](cluster, machine),
        labels={**({POOL_LABEL: pool.name} if pool.name else {}), **pool.settings.labels},
        taints=tuple(map(Taint.parse, pool.settings.taints)),
        kubelet=pool.kubelet,
    )


def _container(cluster: ResolvedCluster, machine: ResolvedMachine) -> ContainerSettings:
    subnet, pool = cluster.settings.machines.subnet, machine.pool
    assert subnet is not None, "the rules require one"
    return ContainerSettings(
        address_cidr=f"{machine.address}/{subnet.prefixlen}",
        gateway=str(subnet.network_address + GATEWAY),
        cpus=pool.settings.cpus,
        memory_bytes=pool.memory_bytes,
    )


def _existing_host(cluster: ResolvedCluster, machine: ResolvedMachine) -> ExistingSettings:
    assert machine.host is not None, "machines of this driver have one"
    ssh = cluster.settings.machines.ssh
    return _existing(machine.host, ssh, _bastion(ssh.bastion) if ssh.bastion else None)


# The machine builders by driver.
MACHINE_BUILDERS: dict[
    str, Callable[[ResolvedCluster, ResolvedMachine], ContainerSettings | ExistingSettings]
] = {
    "container": _container,
    "existing": _existing_host,
}


def _existing(host: Host, ssh: Ssh, bastion: Bastion | None) -> ExistingSettings:
    return ExistingSettings(
        host=host.address,
        port=host.port or ssh.port,
        user=ssh.user,
        sudo=ssh.sudo,
        sudo_password_name=ssh.sudo_password,
        private_key_name=ssh.private_key,
        agent=ssh.agent,
        host_key=_pinned(host.host_key),
        bastion=bastion,
    )


def _bastion(bastion: BastionConfig) -> Bastion:
    return Bastion(bastion.host, bastion.port, bastion.user, _pinned(bastion.host_key))


def _pinned(host_key: str) -> str | None:
    return None if host_key == ANY_HOST_KEY else host_key
