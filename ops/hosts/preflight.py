"""Preflight checks of a host for its role; all problems are reported together.

Leftovers of an earlier cluster are in ops/hosts/leftovers.py, what only the next boot of the host
would bring is in ops/hosts/next_boot.py.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from model.machine import CONTROL_PLANE, WORKER
from model.render.node_paths import PROXY_ENVIRONMENT
from model.well_known import ARCHITECTURES, CONTROL_PLANE_PORTS, WORKER_PORTS
from ops.hosts.facts import Claim, Facts, Listener
from ops.hosts.leftovers import leftovers
from ops.hosts.next_boot import next_boot_problems

# https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/
CPUS = {CONTROL_PLANE: 2, WORKER: 1}
MEMORY_MIB = {CONTROL_PLANE: 1700, WORKER: 900}
PORTS = {CONTROL_PLANE: CONTROL_PLANE_PORTS, WORKER: WORKER_PORTS}
# Join credentials are valid from five minutes ago (model/pki/certificates.py).
CLOCK_SECONDS = 120
GIB = 1 << 30
# Binaries, unpacked images, and what pods write; an image has thousands of files.
INODES = 20_000
LOGIN_OUTPUT_SHOWN = 60
# Bridges of container runtimes and hypervisors, with addresses that only their host reaches.
LOCAL_BRIDGE = re.compile(r"(docker|podman|cni|virbr|lxcbr|lxdbr)\d+|br-[0-9a-f]{12}")
LOOPBACK = "lo"
LOOPBACK_NETWORK = IPv4Network("127.0.0.0/8")


@dataclass(frozen=True)
class HostRequirements:
    """Requirements of a host: `now` is this program's clock, `disk` in bytes.

    `endpoint_port` is the port of a control plane's virtual IP address, if there is one. `networks`
    are those of pods and Services that the host must not need for anything else, by their keys in
    the config. `address` is the machine's, `swap` whether the kubelet accepts swap,
    `own_resolver` whether the config names the file that pods have their nameservers from, and
    `written` are the files that the host gets.
    """

    role: str
    fleet: str
    machine: str
    now: float
    disk: int
    endpoint_port: int | None = None
    networks: Mapping[str, IPv4Network] = field(default_factory=dict)
    address: str | None = None
    swap: bool = False
    own_resolver: bool = False
    written: Collection[str] = ()

    @property
    def ports(self) -> Mapping[int, str]:
        """The services that will listen on the host, by port."""
        if self.endpoint_port is None:
            return PORTS[self.role]
        return {**PORTS[self.role], self.endpoint_port: "the cluster's endpoint"}

    def owns(self, claim: Claim | None) -> bool:
        """Return whether the host is already enrolled as this machine."""
        return claim is not None and (claim.fleet, claim.machine) == (self.fleet, self.machine)


def problems(facts: Facts, wanted: HostRequirements) -> list[str]:
    """Return the problems, one line each, with a remedy; empty if the host is suitable."""
    found = [*_access(facts), *_system(facts, wanted), *_address(facts, wanted)]
    if not wanted.owns(facts.claim):
        found += [
            *_claimed(facts, wanted),
            *_hidden_networks(facts, wanted),
            *_taken_ports(facts, wanted),
            *_resolver(facts, wanted),
            *leftovers(facts, wanted.role),
            *next_boot_problems(facts, swap=wanted.swap),
        ]
    return found


def hints(facts: Facts, wanted: HostRequirements) -> list[str]:
    """Return what is no problem, but may be unexpected."""
    return [*_proxy_hint(facts, wanted), *_clock_hint(facts), *_resolver_hint(facts, wanted)]


def _proxy_hint(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    if facts.proxies and PROXY_ENVIRONMENT not in wanted.written:
        files = ", ".join(facts.proxies)
        yield (
            f"proxy: the proxy set in {files} on the host is not used: set `proxy` in the config "
            "for downloads and image pulls (apt uses its own configuration)"
        )


def _clock_hint(facts: Facts) -> Iterator[str]:
    if not facts.is_clock_synchronized:
        yield (
            "clock: nothing synchronizes it, and it will drift until certificates and etcd fail: "
            "install chrony or enable systemd-timesyncd, unless the hypervisor sets it"
        )


def _resolver_hint(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    if wanted.own_resolver or not facts.nameservers:
        return
    if all(":" in nameserver for nameserver in facts.nameservers):
        yield (
            f"nameserver: {facts.resolver} has only {' '.join(facts.nameservers)}: pods have only "
            "IPv4 addresses and could not resolve external names: add one with IPv4"
        )


def _access(facts: Facts) -> Iterator[str]:
    if facts.login_output:
        yield (
            f"login: the shell prints {facts.login_output[:LOGIN_OUTPUT_SHOWN]!r} before the "
            "output of commands: let ~/.bashrc, /etc/bash.bashrc or a similar file print it in "
            "interactive shells only"
        )
    if facts.root_refusal:
        yield (
            f"root: {facts.root_refusal}: allow the user to use sudo and set machines.ssh.sudo "
            "(and sudoPassword, if sudo asks for one), or log in as root"
        )


def _system(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    if not facts.os_family & {"debian", "ubuntu"}:
        yield f"system: {facts.os}: unsupported OS (supported: Debian, Ubuntu and derivatives)"
    if facts.init != "systemd":
        yield f"init: PID 1 is {facts.init}; the kubelet requires systemd"
    if facts.arch not in ARCHITECTURES.values():
        known = ", ".join(ARCHITECTURES.values())
        yield f"architecture: {facts.arch}: not supported (supported: {known})"
    elif facts.package_arch not in ("", facts.arch):
        yield (
            f"architecture: the kernel is {facts.arch}, and the packages are for "
            f"{facts.package_arch}: install a system for {facts.arch}"
        )
    if facts.cpus < CPUS[wanted.role]:
        yield f"CPUs: {facts.cpus}: a {wanted.role} needs {CPUS[wanted.role]}"
    memory = facts.memory_kib // 1024
    if memory < MEMORY_MIB[wanted.role]:
        yield f"memory: {memory} MiB: a {wanted.role} needs {MEMORY_MIB[wanted.role]} MiB"
    if not facts.has_modules:
        yield (
            f"kernel: the modules of {facts.kernel}, which is running, are not installed: run "
            "`reboot`, which starts the installed kernel"
        )
    for module in facts.missing_modules:
        yield (
            f"kernel: module {module} is not installed, or forbidden in /etc/modprobe.d: install "
            "it (Ubuntu on a Raspberry Pi: `apt-get install linux-modules-extra-raspi`), or "
            "allow it"
        )
    for controller in facts.missing_controllers:
        yield (
            f"cgroups: the {controller} controller is disabled: add `cgroup_enable={controller}` "
            "to the kernel's command line (Raspberry Pi: /boot/firmware/cmdline.txt) and `reboot`"
        )
    if facts.is_selinux_enforcing:
        yield (
            "SELinux is enforcing, which is not supported: run `setenforce 0`, "
            "and set SELINUX=permissive in /etc/selinux/config"
        )
    for path, restriction in facts.mounts:
        yield f"file system of {path} is {restriction}: mount it with rw,exec (see /etc/fstab)"
    if facts.swaps and not wanted.swap:
        units = " ".join(f'"$(systemd-escape --path --suffix=swap {name})"' for name in facts.swaps)
        yield (
            f"swap: {sum(facts.swaps.values()) // 1024} MiB enabled ({', '.join(facts.swaps)}); "
            f"the kubelet does not start with swap: run `systemctl mask --now {units}`, or let it "
            "use swap with `kubelet: {failSwapOn: false}`"
        )
    free = facts.free_kib * 1024
    if free < wanted.disk:
        yield f"disk: {free / GIB:.1f} GiB free in /var/lib; {wanted.disk / GIB:.1f} GiB required"
    if facts.free_inodes is not None and facts.free_inodes < INODES:
        yield f"disk: {facts.free_inodes} inodes free in /var/lib; {INODES} required"
    off = facts.clock - wanted.now
    if abs(off) > CLOCK_SECONDS:
        way = "ahead" if off > 0 else "behind"
        yield (
            f"clock skew: {abs(off):.0f} s {way}; certificates would be rejected: synchronize it, "
            "for example with systemd-timesyncd or chrony"
        )


def _claimed(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    if facts.claim is None:
        return
    if facts.claim.fleet == wanted.fleet:
        yield (
            f"owner: this host is {facts.claim.machine} of this fleet: give it that name in the "
            f"config, or remove {facts.claim.machine} from the config, run `fleet up`, and then "
            f"add {wanted.machine}"
        )
    else:
        yield (
            f"owner: this host is {facts.claim.machine} of fleet {facts.claim.fleet}: remove it "
            "from that fleet; if that fleet is permanently lost, remove "
            "/var/lib/kubeadm-fleet/owner on the host"
        )


def _hidden_networks(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    """Yield what the host could no longer reach besides the cluster's pods and Services."""
    for key, network in wanted.networks.items():
        remedy = f"set networking.{key} to another network before the cluster is created"
        for route in facts.routes:
            if route.conflicts(network):
                yield (
                    f"network {route.network} ({route.interface}) overlaps networking.{key} "
                    f"{network}: {remedy}; remove the interface, if nothing uses it; or accept it "
                    "with `networks: {shared: true}`"
                )
        for nameserver in () if wanted.own_resolver else facts.nameservers:
            if _is_inside(nameserver, network):
                yield (
                    f"nameserver {nameserver} is inside networking.{key} {network}: pods could not "
                    f"resolve names: {remedy}, or the host's resolver"
                )


def _is_inside(nameserver: str, network: IPv4Network) -> bool:
    """Return whether a nameserver of resolv.conf, perhaps no IPv4 address, is in a network."""
    try:
        return IPv4Address(nameserver) in network
    except AddressValueError:
        return False


def _resolver(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    """Yield why CoreDNS, which asks the host's nameservers, would not run on it."""
    if wanted.own_resolver:
        return
    way = (
        f"have {facts.resolver} name a server that pods reach, or name another file with "
        "`kubelet: {resolvConf: PATH}`"
    )
    if not facts.nameservers:
        yield f"nameserver: {facts.resolver} has none, and CoreDNS exits without one: {way}"
    for nameserver in facts.nameservers:
        if _is_inside(nameserver, LOOPBACK_NETWORK) or nameserver == "::1":
            yield (
                f"nameserver {nameserver} in {facts.resolver} is the host's own, and in a pod it "
                f"is CoreDNS itself, which exits when it queries itself: {way}"
            )


def _taken_ports(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    listeners = {listener.port: listener for listener in facts.listeners}
    for port, what in sorted(wanted.ports.items()):
        if port in listeners:
            yield f"port {port} ({what}) is in use{_user(listeners[port])}"


def _user(listener: Listener) -> str:
    """Return who uses a port, and the command that ends it."""
    if not listener.program:
        return ": `ss -ltnp` on the host shows the process"
    end = f"kill {listener.pid}"
    if listener.service:
        end = f"systemctl disable --now {listener.service}"
    return f" by {listener.program} (process {listener.pid}): run `{end}`"


def _address(facts: Facts, wanted: HostRequirements) -> Iterator[str]:
    """Yield why other machines would not reach this one at its address."""
    if wanted.address is None:
        return
    usable = [
        f"{address} ({interface})"
        for interface, address in facts.addresses
        if interface != LOOPBACK and not LOCAL_BRIDGE.fullmatch(interface)
    ]
    holders = [interface for interface, address in facts.addresses if address == wanted.address]
    remedy = f"set nodeAddress to one of the host's own: {', '.join(usable) or 'it has none'}"
    if not holders:
        yield (
            f"address: no interface of the host has {wanted.address} (behind NAT?), so etcd and "
            f"the kubelet cannot use it: {remedy}"
        )
    elif LOCAL_BRIDGE.fullmatch(holders[0]):
        yield (
            f"address: {wanted.address} is on {holders[0]}, where no other machine reaches it: "
            f"{remedy}"
        )
