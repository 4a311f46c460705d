"""Problems reported about unsuitable hosts, without any host."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from model.render.node_paths import PROXY_ENVIRONMENT
from ops.errors import OperatorError
from ops.hosts.facts import Claim, Facts, Listener
from ops.hosts.preflight import HostRequirements, hints, problems
from ops.hosts.routes import Route

FITS = Facts(
    login_output="",
    root_refusal=None,
    clock=1_000_000,
    machine_id="0123456789abcdef",
    os="Debian GNU/Linux 12 (bookworm)",
    os_family=frozenset({"debian"}),
    init="systemd",
    arch="amd64",
    package_arch="amd64",
    kernel="6.1.0",
    cpus=2,
    memory_kib=4 << 20,
    swaps={},
    inactive_swaps=(),
    free_kib=50 << 20,
    free_inodes=None,
    mounts=(),
    has_modules=True,
    missing_modules=(),
    missing_controllers=(),
    is_selinux_enforcing=False,
    is_clock_synchronized=True,
    later_settings=(),
    proxies=(),
    addresses=(("lo", "127.0.0.1"), ("eth0", "10.0.0.5"), ("docker0", "172.17.0.1")),
    listeners=(Listener(22, "sshd", "1", "ssh.service"),),
    routes=(),
    resolver="/etc/resolv.conf",
    nameservers=("192.168.1.1",),
    files=(),
    folders=(),
    symlinks=(),
    volumes=(),
    cni=(),
    links=("lo", "eth0", "docker0", "calibre0"),
    chains=(),
    services=(),
    stopped_services=(),
    packages=(),
    claim=None,
    artifacts_digest="",
)
WANTED = HostRequirements("control-plane", "fleet", "machine", now=1_000_000, disk=4 << 30)
OURS = Claim("fleet", "machine", "mark")


def test_a_suitable_host_has_no_problem() -> None:
    assert problems(FITS, WANTED) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"root_refusal": "sudo: a password is required"}, "root: sudo: a password is required"),
        (
            {"os_family": frozenset({"fedora"}), "os": "Fedora 42"},
            "system: Fedora 42: unsupported OS (supported: Debian",
        ),
        ({"init": "sysvinit"}, "init: PID 1 is sysvinit"),
        ({"arch": "riscv64"}, "architecture: riscv64: not supported (supported: amd64, arm64)"),
        ({"cpus": 1}, "CPUs: 1: a control-plane needs 2"),
        ({"memory_kib": 1 << 20}, "memory: 1024 MiB: a control-plane needs 1700 MiB"),
        (
            {"swaps": {"/swap.img": 2 << 20, "/dev/zram0": 1 << 20}},
            "swap: 3072 MiB enabled (/swap.img, /dev/zram0); the kubelet does not start with swap: "
            'run `systemctl mask --now "$(systemd-escape --path --suffix=swap /swap.img)" '
            '"$(systemd-escape --path --suffix=swap /dev/zram0)"`, or let it use swap with ',
        ),
        (
            {"login_output": "Welcome to host-0!"},
            "login: the shell prints 'Welcome to host-0!' before the output of commands: let ~/.b",
        ),
        (
            {"package_arch": "armhf", "arch": "arm64"},
            "architecture: the kernel is arm64, and the packages are for armhf: install a system",
        ),
        (
            {"inactive_swaps": (r"dev-disk-by\x2duuid-1.swap",)},
            r"swap: dev-disk-by\x2duuid-1.swap is switched off until the next boot: run `systemctl "
            r"mask 'dev-disk-by\x2duuid-1.swap'`, or let the kubelet use swap",
        ),
        ({"free_inodes": 100}, "disk: 100 inodes free in /var/lib; 20000 required"),
        ({"missing_modules": ("vxlan",)}, "kernel: module vxlan is not installed, or forbidden in"),
        (
            {"missing_controllers": ("memory",)},
            "cgroups: the memory controller is disabled: add `cgroup_enable=memory` to the",
        ),
        ({"is_selinux_enforcing": True}, "SELinux is enforcing, which is not supported"),
        (
            {"later_settings": (("/etc/sysctl.conf", "net.ipv4.ip_forward", "0"),)},
            "kernel setting net.ipv4.ip_forward=0 in /etc/sysctl.conf would replace the Node's "
            "net.ipv4.ip_forward=1 at the next boot: remove it there",
        ),
        (
            {"later_settings": (("/etc/z", "net.ipv4.conf.default.forwarding", "0"),)},
            "kernel setting net.ipv4.conf.default.forwarding=0 in /etc/z would replace the Node's",
        ),
        (
            {"nameservers": ("127.0.0.1",)},
            "nameserver 127.0.0.1 in /etc/resolv.conf is the host's own, and in a pod it is Core",
        ),
        (
            {"nameservers": ()},
            "nameserver: /etc/resolv.conf has none, and CoreDNS exits without one: have /etc/resol",
        ),
        (
            {"symlinks": (("/var/lib/kubelet", "/data/kubelet"),)},
            "folder /var/lib/kubelet is a symbolic link to /data/kubelet, so the kubelet would not "
            "find mounts in it: replace the link by a bind mount (in /etc/fstab: "
            "`/data/kubelet /var/lib/kubelet none bind`)",
        ),
        (
            {"folders": ("/var/lib/kubelet",), "volumes": ("/var/lib/kubelet",)},
            "volumes or containers of an earlier cluster are mounted in /var/lib/kubelet: deleting "
            "these folders now would delete the data in the volumes: run `reboot`",
        ),
        (
            {"stopped_services": ("k3s.service",)},
            "service k3s.service is stopped, but starts at the next boot: run `k3s-uninstall.sh`",
        ),
        ({"has_modules": False}, "kernel: the modules of 6.1.0, which is running, are not inst"),
        ({"mounts": (("/opt", "noexec"),)}, "file system of /opt is noexec: mount it"),
        ({"free_kib": 1 << 20}, "disk: 1.0 GiB free in /var/lib; 4.0 GiB required"),
        ({"clock": 1_000_600}, "clock skew: 600 s ahead"),
        ({"clock": 999_400}, "clock skew: 600 s behind"),
        (
            {"listeners": (Listener(6443, "", "", ""),)},
            "port 6443 (API server) is in use: `ss -ltnp` on the host shows the process",
        ),
        (
            {"listeners": (Listener(2379, "etcd", "812", "etcd.service"),)},
            "port 2379 (etcd clients) is in use by etcd (process 812): run `systemctl disable "
            "--now etcd.service`",
        ),
        (
            {"listeners": (Listener(10250, "nc", "7", ""),)},
            "port 10250 (kubelet) is in use by nc (process 7): run `kill 7`",
        ),
        (
            {"files": ("/usr/local/bin/kubelet",), "folders": ("/var/lib/etcd",)},
            "leftovers of an earlier installation: /usr/local/bin/kubelet /var/lib/etcd: run `rm "
            "/usr/local/bin/kubelet; find /var/lib/etcd -xdev -depth -mindepth 1 ! -path "
            "'*/lost+found*' -delete`",
        ),
        (
            {"cni": ("/etc/cni/net.d/05-cilium.conflist", "/etc/cni/net.d/87-podman.conflist")},
            "pod network of another installation: /etc/cni/net.d/05-cilium.conflist "
            "/etc/cni/net.d/87-podman.conflist: pods would use it: run `rm "
            "/etc/cni/net.d/05-cilium.conflist /etc/cni/net.d/87-podman.conflist`; with netavark",
        ),
        (
            {"links": ("eth0", "cni0", "flannel.1", "cilium_host", "vxlan.calico", "docker0")},
            "network interfaces of an earlier cluster: cni0 flannel.1 cilium_host vxlan.calico: "
            "run `ip link delete cni0; ip link delete flannel.1; ip link delete cilium_host; ip",
        ),
        (
            {"chains": ("KUBE-A", "KUBE-B", "KUBE-C", "KUBE-D", "cali-x")},
            "firewall rules of an earlier cluster: chains KUBE-A KUBE-B KUBE-C and 2 more: ",
        ),
        ({"services": ("k3s.service",)}, "service k3s.service is running: run `k3s-uninstall.sh`"),
        (
            {"services": ("kubelet.service",)},
            "service kubelet.service is running: run `kubeadm reset --force; systemctl disable",
        ),
        (
            {"services": ("crio.service",)},
            "service crio.service is running: run `systemctl disable --now crio.service` once "
            "nothing on this host needs its containers",
        ),
        (
            {"packages": ("docker.io", "containerd")},
            "conflicting packages: docker.io containerd: kubeadm-fleet installs its own: run "
            "`apt-get purge docker.io containerd`",
        ),
        ({"claim": Claim("other", "m", "x")}, "owner: this host is m of fleet other"),
        (
            {"claim": Claim("fleet", "former", "x")},
            "owner: this host is former of this fleet: give it that name in the config, or remove "
            "former from the config, run `fleet up`, and then add machine",
        ),
    ],
)
def test_each_problem_is_named(changed: dict[str, object], said: str) -> None:
    (problem,) = problems(replace(FITS, **changed), WANTED)  # type: ignore[arg-type] # parametrized
    assert problem.startswith(said)


def test_the_port_of_a_virtual_address_must_be_free() -> None:
    facts = replace(FITS, listeners=(Listener(8443, "", "", ""),))
    assert problems(facts, WANTED) == []
    (problem,) = problems(facts, replace(WANTED, endpoint_port=8443))
    assert problem.startswith("port 8443 (the cluster's endpoint) is in use")


NETWORKS = {
    "podSubnet": IPv4Network("10.244.0.0/16"),
    "serviceSubnet": IPv4Network("10.96.0.0/12"),
}


@pytest.mark.parametrize(
    ("interface", "network", "is_direct", "refused"),
    [
        ("eth0", "192.168.1.0/24", True, None),
        ("eth0", "10.245.0.0/16", True, None),
        ("eth0", "10.244.7.0/24", True, "podSubnet"),
        ("eth0", "10.244.0.0/16", False, "podSubnet"),
        ("eth0", "10.240.0.0/12", True, "podSubnet"),
        ("docker0", "10.111.0.0/16", True, "serviceSubnet"),
        ("tun0", "10.100.1.7/32", False, "serviceSubnet"),
        ("tun0", "10.240.0.0/12", False, None),
        ("eth0", "0.0.0.0/0", False, None),
        ("ppp0", "0.0.0.0/0", True, None),
    ],
)
def test_a_network_that_pods_or_services_would_hide_is_refused(
    interface: str, network: str, is_direct: bool, refused: str | None
) -> None:
    facts = replace(FITS, routes=(Route(interface, IPv4Network(network), is_direct),))
    found = problems(facts, replace(WANTED, networks=NETWORKS))
    starts = [line.partition(":")[0] for line in found]
    overlap = f"network {network} ({interface}) overlaps networking.{refused} "
    assert starts == ([f"{overlap}{NETWORKS[refused]}"] if refused else [])
    assert problems(facts, WANTED) == [], "with consent"
    assert problems(replace(facts, claim=OURS), replace(WANTED, networks=NETWORKS)) == []


def test_a_resolver_that_services_would_hide_is_refused() -> None:
    facts = replace(FITS, nameservers=("fe80::1%eth0", "none", "192.168.1.1", "10.96.0.10"))
    (problem,) = problems(facts, replace(WANTED, networks=NETWORKS))
    assert problem.startswith("nameserver 10.96.0.10 is inside networking.serviceSubnet 10.96.0")


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("eth0,00000000,010200C0,00000000", Route("eth0", IPv4Network("0.0.0.0/0"), False)),
        (
            "docker0,000011AC,00000000,0000FFFF",
            Route("docker0", IPv4Network("172.17.0.0/16"), True),
        ),
        ("tun0,0070F40A,0A00080A,00F0FFFF", Route("tun0", IPv4Network("10.244.112.0/20"), False)),
    ],
)
def test_routes_are_read_as_the_kernel_writes_them(text: str, route: Route) -> None:
    assert Route.parse(text) == route


def test_an_enrolled_host_may_have_our_own_files() -> None:
    facts = replace(
        FITS,
        claim=OURS,
        listeners=(Listener(6443, "", "", ""), Listener(10250, "kubelet", "1", "kubelet.service")),
        files=("/usr/local/bin/kubelet",),
        folders=("/var/lib/kubelet",),
        cni=("/etc/cni/net.d/10-flannel.conflist",),
        links=("cni0",),
        chains=("KUBE-SERVICES",),
        services=("kubelet.service",),
    )
    assert problems(facts, WANTED) == []


def test_etcd_of_a_worker_is_its_own() -> None:
    facts = replace(FITS, folders=("/var/lib/etcd",))
    assert problems(facts, replace(WANTED, role="worker")) == []
    (problem,) = problems(facts, WANTED)
    assert "/var/lib/etcd" in problem


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_swap_is_accepted_where_the_kubelet_does(role: str) -> None:
    facts = replace(FITS, swaps={"/dev/zram0": 1 << 20})
    wanted = replace(WANTED, role=role)
    assert len(problems(facts, wanted)) == 1
    assert problems(facts, replace(wanted, swap=True)) == []


def test_an_address_that_others_do_not_reach_is_refused() -> None:
    assert problems(FITS, replace(WANTED, address="10.0.0.5")) == []
    (problem,) = problems(FITS, replace(WANTED, address="203.0.113.7"))
    assert problem.startswith("address: no interface of the host has 203.0.113.7 (behind NAT?)")
    assert problem.endswith("set nodeAddress to one of the host's own: 10.0.0.5 (eth0)")
    (problem,) = problems(FITS, replace(WANTED, address="172.17.0.1"))
    assert problem.startswith("address: 172.17.0.1 is on docker0, where no other machine reaches")
    loopback = replace(FITS, addresses=(("lo", "127.0.0.1"),))
    (problem,) = problems(loopback, replace(WANTED, address="203.0.113.7"))
    assert problem.endswith("the host's own: it has none")


def test_a_proxy_of_the_host_is_a_hint_unless_the_config_has_one() -> None:
    facts = replace(FITS, proxies=("/etc/environment",))
    assert problems(facts, WANTED) == []
    (hint,) = hints(facts, WANTED)
    assert hint.startswith("proxy: the proxy set in /etc/environment on the host is not used")
    assert hints(facts, replace(WANTED, written={PROXY_ENVIRONMENT})) == []
    assert hints(FITS, WANTED) == []


def test_settings_that_agree_with_ours_may_come_later() -> None:
    later = (("/etc/z", "net.ipv4.ip_forward", "1"), ("/etc/z", "net.bridge.bridge-nf-x", "0"))
    assert problems(replace(FITS, later_settings=later), WANTED) == []


def test_a_kubelet_with_a_resolver_of_its_own_needs_none_of_the_host() -> None:
    wanted = replace(WANTED, own_resolver=True, networks=NETWORKS)
    for nameservers in ((), ("127.0.0.1",), ("10.96.0.10",), ("fd00::1",)):
        facts = replace(FITS, nameservers=nameservers)
        assert (problems(facts, wanted), hints(facts, wanted)) == ([], [])


def test_nameservers_that_pods_do_not_reach_are_a_hint() -> None:
    facts = replace(FITS, nameservers=("fd00::1", "fd00::2"))
    assert problems(facts, WANTED) == []
    (hint,) = hints(facts, WANTED)
    assert hint.startswith("nameserver: /etc/resolv.conf has only fd00::1 fd00::2: pods have only")
    assert hints(replace(FITS, nameservers=("fd00::1", "192.0.2.1")), WANTED) == []


def test_a_clock_that_nothing_synchronizes_is_a_hint() -> None:
    facts = replace(FITS, is_clock_synchronized=False)
    assert problems(facts, WANTED) == []
    (hint,) = hints(facts, WANTED)
    assert hint.startswith("clock: nothing synchronizes it")


def test_swap_of_the_next_boot_is_accepted_where_the_kubelet_does() -> None:
    facts = replace(FITS, inactive_swaps=("swap.img.swap",))
    assert problems(facts, replace(WANTED, swap=True)) == []


def test_truncated_host_facts_are_rejected() -> None:
    with pytest.raises(OperatorError, match="cannot be parsed"):
        Facts.parse("root\tyes\nclock\t1", "host-0")
