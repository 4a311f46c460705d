"""The lifecycle of a machine; every step is idempotent."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ops.errors import OperatorError
from ops.nspawn import artifacts, disk, identity, image, kernel, network, process
from ops.nspawn.spec import MachineSpec, all_specs, cluster_folder


def create(spec: MachineSpec, table: str) -> str:
    """Create and boot the machine; return its public host key. A failure leaves nothing behind.

    `table` is the checksum of the table of its files, which it finds among its artifacts.
    """
    left = MachineSpec.read(spec.folder)
    if left is not None:
        _reject_foreign(left, spec.owner)
    _reject_used_address(spec)
    if left is not None or network.has_traces(spec):
        purge(left or spec)
    spec.write()
    try:
        disk.create(spec)
        root = disk.mount(spec)
        artifacts.write_initial(spec, root, table)
        host_key = identity.write(spec, root)
        _boot(spec)
    except BaseException:
        purge(spec)
        raise
    return host_key


def start(spec: MachineSpec) -> None:
    """Start the machine from its existing disk; reconnect it if it runs unconnected."""
    if _process_runs(spec):
        if not network.is_plugged_in(spec):
            network.plug_in_again(spec)
        return
    process.stop(spec, disk.root(spec))
    network.unplug(spec)
    disk.mount(spec)
    _boot(spec)


def change(spec: MachineSpec, *, cpus: float, memory: int, kubernetes_version: str) -> MachineSpec:
    """Update a machine in place, even while it runs: its limits and Kubernetes version."""
    changed = replace(spec, cpus=cpus, memory=memory, kubernetes_version=kubernetes_version)
    if (spec.cpus, spec.memory) != (cpus, memory) and _process_runs(spec):
        process.limit(changed)
    changed.write()
    return changed


def answers(spec: MachineSpec) -> bool:
    """Return whether the machine, which runs, can be reached over SSH."""
    return process.answers(spec.bare_address)


def is_running(spec: MachineSpec) -> bool:
    """Return whether the machine runs, with its disk, and with its network connected."""
    return _process_runs(spec) and network.is_plugged_in(spec)


def purge(spec: MachineSpec) -> None:
    """Remove the machine, even if it is incomplete."""
    process.stop(spec, disk.root(spec))
    network.unplug(spec)
    disk.unmount(spec)
    _remove(spec.folder)
    image.release()


def purge_cluster(owner: str, cluster: str) -> None:
    """Remove machines of `owner` that a killed run left unrecorded."""
    folder = cluster_folder(cluster)
    for machine_folder in sorted(folder.glob("*/")):
        spec = MachineSpec.read(machine_folder)
        if spec is None:
            # A run was killed before it recorded the machine's owner.
            _remove(machine_folder)
        elif spec.owner == owner:
            purge(spec)


def _process_runs(spec: MachineSpec) -> bool:
    runtime = process.runtime_of(spec)
    runs = runtime is not None and runtime.alive
    return runs and network.is_wired(spec) and disk.is_mounted(disk.root(spec))


def _boot(spec: MachineSpec) -> None:
    kernel.raise_inotify_limit()
    network.plug_in(spec)
    process.start(spec, disk.root(spec))


def _reject_foreign(spec: MachineSpec, owner: str) -> None:
    """Reject changes to another fleet's machine."""
    if spec.owner != owner:
        raise OperatorError(
            f"{spec.folder} is a machine of another fleet on this host (it is not in this fleet's "
            "state): destroy that fleet, or rename this cluster"
        )


def _reject_used_address(spec: MachineSpec) -> None:
    """Reject an address of another machine: SSH would connect to the wrong one."""
    for other in all_specs():
        if other.folder != spec.folder and other.bare_address == spec.bare_address:
            raise OperatorError(
                f"{spec.hostname}: the address {spec.bare_address} is {other.hostname}'s "
                f"({other.folder}): destroy that machine, or change the cluster's machines.subnet"
            )


def _remove(folder: Path) -> None:
    """Remove a machine's folder, and with the last one the cluster's."""
    if folder.exists():
        shutil.rmtree(folder)
    with suppress(OSError):  # It holds other machines, or is gone.
        folder.parent.rmdir()
