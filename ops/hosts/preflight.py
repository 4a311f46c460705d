"""Whether a host can become a machine of this role: everything that is in the way, at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.fleet import CONTROL_PLANE, WORKER
from model.well_known import ARCHITECTURES, CONTROL_PLANE_PORTS, WORKER_PORTS
from ops.hosts.facts import Claim, Facts

# https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/
CPUS = {CONTROL_PLANE: 2, WORKER: 1}
MEMORY_MIB = {CONTROL_PLANE: 1700, WORKER: 900}
PORTS = {CONTROL_PLANE: CONTROL_PLANE_PORTS, WORKER: WORKER_PORTS}
# Join credentials are valid from five minutes ago (model/pki/certificates.py).
CLOCK_SECONDS = 120
GIB = 1 << 30


@dataclass(frozen=True)
class HostRequirements:
    """What is asked of a host: `now` is our clock, `disk` in bytes.

    `endpoint_port` is where a control plane takes connections for a virtual address, if it does.
    """

    role: str
    fleet: str
    machine: str
    now: float
    disk: int
    endpoint_port: int | None = None

    @property
    def ports(self) -> Mapping[int, str]:
        """What will listen there, by port."""
        if self.endpoint_port is None:
            return PORTS[self.role]
        return {**PORTS[self.role], self.endpoint_port: "the cluster's endpoint"}

    def owns(self, claim: Claim | None) -> bool:
        """Return whether the host was already taken over for this very machine."""
        return claim is not None and (claim.fleet, claim.machine) == (self.fleet, self.machine)


def problems(facts: Facts, wanted: HostRequirements) -> list[str]:
    """Return what is in the way, one line each, with what to do; nothing when the host fits."""
    found = [*_access(facts), *_system(facts, wanted)]
    if not wanted.owns(facts.claim):
        found += [*_claimed(facts), *_occupied(facts, wanted)]
    return found


def _access(facts: Facts) -> Iterator[str]:
    if facts.root_refusal:
        yield (
            f"root: {facts.root_refusal}: let the user become root with sudo and set "
            "machines.ssh.sudo, and sudoPassword if it asks one, or log in as root"
        )


def _system(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    if not facts.os_family & {"debian", "ubuntu"}:
        yield f"system: {facts.os}: only Debian, Ubuntu and what is made from them are known"
    if facts.init != "systemd":
        yield f"init: {facts.init} is process 1: the kubelet needs systemd"
    if facts.arch not in ARCHITECTURES.values():
        yield f"architecture: {facts.arch}: allowed are {', '.join(ARCHITECTURES.values())}"
    if facts.cpus < CPUS[wanted.role]:
        yield f"processors: {facts.cpus}: a {wanted.role} needs {CPUS[wanted.role]}"
    memory = facts.memory_kib // 1024
    if memory < MEMORY_MIB[wanted.role]:
        yield f"memory: {memory} MiB: a {wanted.role} needs {MEMORY_MIB[wanted.role]} MiB"
    if facts.swap_kib:
        yield (
            f"swap: {facts.swap_kib // 1024} MiB are in use: the kubelet does not start with swap: "
            "`swapoff --all`, and take it out of /etc/fstab"
        )
    free = facts.free_kib * 1024
    if free < wanted.disk:
        yield (
            f"disk: {free / GIB:.1f} GiB are free for /var/lib: {wanted.disk / GIB:.1f} GiB are "
            "needed"
        )
    off = facts.clock - wanted.now
    if abs(off) > CLOCK_SECONDS:
        way = "ahead" if off > 0 else "behind"
        yield (
            f"clock: {abs(off):.0f} s {way}: certificates would not be valid there: set it, for "
            "example with systemd-timesyncd or chrony"
        )


def _claimed(facts: Facts) -> Iterator[str]:
    if facts.claim is not None:
        yield (
            f"owner: this host is {facts.claim.machine} of fleet {facts.claim.fleet}: take it out "
            "of that fleet; if that fleet is gone for ever, remove "
            "/var/lib/kubeadm-fleet/owner on the host"
        )


def _occupied(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    for port, what in sorted(wanted.ports.items()):
        if port in facts.ports:
            yield f"port {port} ({what}) is in use: `ss -ltnp` on the host says by what"
    if facts.leftovers:
        yield (
            f"left by an earlier installation: {', '.join(facts.leftovers)}: `kubeadm reset` and "
            "remove them, or reinstall the host"
        )
    if facts.packages:
        yield (
            f"installed packages: {', '.join(facts.packages)}: this program brings its own: "
            f"`apt-get purge {' '.join(facts.packages)}`"
        )
