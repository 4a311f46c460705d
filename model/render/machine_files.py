"""Every file that is written on a machine, and the table in which it travels there.

The table has a line for each file: path, mode, part and content (base64), separated by tabs.
scripts/node/files.sh writes the files, fills in the facts that only the host knows, and keeps the
table as the record of what it owns. A part is what changes and takes effect together.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from model.fleet import Cluster
from model.machine import CONTROL_PLANE, Machine
from model.render import (
    authentication,
    component_files,
    containerd,
    drift,
    kernel,
    kubeadm,
    kubeadm_patches,
    kubelet,
    load_balancer,
    load_balancer_units,
    mirrors,
    proxy,
    renewal,
    update_policy,
)
from model.render.node_paths import (
    AUTHENTICATION_FILE,
    INIT_CONFIGURATION,
    LEAF_CONFIGURATION,
    LOAD_BALANCER_FOLDER,
    PATCHES,
    PROXY_ENVIRONMENT,
    SYSCTL_FILE,
)

KERNEL, CONTAINERD, PROXY, MIRRORS = "kernel", "containerd", "proxy", "mirrors"
KUBELET, KUBELET_PATCH = "kubelet", "kubelet-patch"
KUBEADM, AUTHENTICATION, COMPONENTS = "kubeadm", "authentication", "components"
LOAD_BALANCER, RENEWAL, DRIFT = "load-balancer", "renewal", "drift"
UPDATE_POLICY = "update-policy"
PARTS = (
    *(KERNEL, CONTAINERD, PROXY, MIRRORS, KUBELET, KUBELET_PATCH),
    *(KUBEADM, AUTHENTICATION, COMPONENTS, LOAD_BALANCER, RENEWAL, DRIFT),
    UPDATE_POLICY,
)
UNITS = "/etc/systemd/system"
KUBEADM_DROP_IN = f"{UNITS}/kubelet.service.d/10-kubeadm.conf"
DIGITS = 16
# What a machine fills in: scripts/node/files.sh.
HOST_FACT = re.compile("@[A-Z_]+@")


@dataclass(frozen=True)
class ManagedFile:
    """A file on a machine; its content is text that ends with one newline."""

    path: str
    part: str
    content: str
    mode: int = 0o644

    @property
    def row(self) -> str:
        """The file's line of the table."""
        content = b64encode(self.content.encode()).decode()
        return f"{self.path}\t{self.mode:04o}\t{self.part}\t{content}\n"


# The same on every machine of every cluster; machine images have them already.
COMMON_FILES = (
    ManagedFile("/etc/modules-load.d/kubeadm-fleet.conf", KERNEL, kernel.MODULES),
    ManagedFile(SYSCTL_FILE, KERNEL, kernel.SYSCTL),
    ManagedFile("/etc/containerd/config.toml", CONTAINERD, containerd.CONFIG),
    ManagedFile(f"{UNITS}/containerd.service", CONTAINERD, containerd.UNIT),
    ManagedFile(containerd.SHUTDOWN_SCRIPT, CONTAINERD, containerd.SHUTDOWN),
    ManagedFile(f"{UNITS}/kubelet.service", KUBELET, kubelet.UNIT, 0o600),
    ManagedFile(KUBEADM_DROP_IN, KUBELET, kubelet.KUBEADM_DROP_IN, 0o600),
)

# The same on every machine as well, but not in machine images: only hosts update automatically.
UPDATE_POLICY_FILES = (
    ManagedFile(
        "/etc/apt/apt.conf.d/99kubeadm-fleet", UPDATE_POLICY, update_policy.UNATTENDED_UPGRADES
    ),
    ManagedFile(
        "/etc/needrestart/conf.d/99-kubeadm-fleet.conf", UPDATE_POLICY, update_policy.NEEDRESTART
    ),
)


def machine_files(cluster: Cluster, machine: Machine) -> tuple[ManagedFile, ...]:
    """Return the files of a machine, ordered by part."""
    files = [*COMMON_FILES, *_proxy(cluster), *_mirrors(cluster), *_kubelet_patch(machine)]
    files += (*_drift(), *UPDATE_POLICY_FILES)
    if machine.role == CONTROL_PLANE:
        files += [*_kubeadm(cluster, machine), *_load_balancer(cluster, machine)]
        files += _renewal(cluster, machine)
        issuers = authentication.configuration(cluster.issuers)
        files.append(ManagedFile(AUTHENTICATION_FILE, AUTHENTICATION, issuers))
        files += (
            ManagedFile(path, COMPONENTS, content, 0o600)
            for path, content in component_files.component_files(cluster)
        )
    return tuple(sorted(files, key=lambda file: PARTS.index(file.part)))


@cache
def alike_files() -> tuple[ManagedFile, ...]:
    """Return the files that have the same content on every machine of every cluster."""
    return tuple(file for file in (*COMMON_FILES, *_drift()) if not HOST_FACT.search(file.content))


def table(files: Iterable[ManagedFile]) -> str:
    """Return the table of the files, as it is sent to a machine."""
    return "".join(file.row for file in files)


def paths_of(table: str) -> list[str]:
    """Return the paths in a table."""
    return [row.partition("\t")[0] for row in table.splitlines()]


def part_digests(files: Iterable[ManagedFile]) -> dict[str, str]:
    """Return a digest of each part's lines, as scripts/node/managed.sh computes it."""
    parts = groupby(sorted(files, key=lambda file: PARTS.index(file.part)), lambda file: file.part)
    return {
        part: hashlib.sha256(table(group).encode()).hexdigest()[:DIGITS] for part, group in parts
    }


def _proxy(cluster: Cluster) -> Iterator[ManagedFile]:
    if environment := cluster.outbound.environment:
        drop_in = f"{UNITS}/containerd.service.d/50-kubeadm-fleet-proxy.conf"
        yield ManagedFile(drop_in, PROXY, proxy.containerd_drop_in(cluster.outbound))
        yield ManagedFile(PROXY_ENVIRONMENT, PROXY, environment)


def _mirrors(cluster: Cluster) -> Iterator[ManagedFile]:
    for path, content in mirrors.mirror_files(cluster):
        yield ManagedFile(path, MIRRORS, content, 0o600 if "@CREDENTIALS:" in content else 0o644)


def _kubelet_patch(machine: Machine) -> Iterator[ManagedFile]:
    for name, content in kubeadm_patches.kubelet_patches(
        kubeadm.with_swap(machine.kubelet)
    ).items():
        yield ManagedFile(f"{PATCHES}/{name}", KUBELET_PATCH, content)


def _kubeadm(cluster: Cluster, machine: Machine) -> Iterator[ManagedFile]:
    yield ManagedFile(INIT_CONFIGURATION, KUBEADM, kubeadm.init_configuration(machine))
    yield ManagedFile(LEAF_CONFIGURATION, KUBEADM, kubeadm.leaf_configuration(cluster))
    for name, content in kubeadm_patches.patches().items():
        yield ManagedFile(f"{PATCHES}/{name}", KUBEADM, content)


def _load_balancer(cluster: Cluster, machine: Machine) -> Iterator[ManagedFile]:
    if vip := cluster.vip:
        for path, content in {
            f"{LOAD_BALANCER_FOLDER}/haproxy.cfg": load_balancer.haproxy(cluster, vip),
            f"{LOAD_BALANCER_FOLDER}/keepalived.conf": load_balancer.keepalived(
                cluster, vip, machine
            ),
            f"{UNITS}/kubeadm-fleet-haproxy.service": load_balancer_units.HAPROXY,
            f"{UNITS}/kubeadm-fleet-keepalived.service": load_balancer_units.KEEPALIVED,
        }.items():
            yield ManagedFile(path, LOAD_BALANCER, content)


def _renewal(cluster: Cluster, machine: Machine) -> Iterator[ManagedFile]:
    every = renewal.period(cluster.lifetimes.leaves)
    for path, content in {
        renewal.SCRIPT: renewal.script(machine.name, every),
        f"{UNITS}/{renewal.UNIT}.service": renewal.SERVICE,
        f"{UNITS}/{renewal.UNIT}.timer": renewal.timer(every),
    }.items():
        yield ManagedFile(path, RENEWAL, content)


def _drift() -> Iterator[ManagedFile]:
    yield ManagedFile(drift.SCRIPT, DRIFT, drift.script())
    yield ManagedFile(f"{UNITS}/{drift.UNIT}.service", DRIFT, drift.SERVICE)
    yield ManagedFile(f"{UNITS}/{drift.UNIT}.timer", DRIFT, drift.TIMER)
