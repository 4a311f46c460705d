"""Problems reported about unsuitable hosts, without any host."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from ops.errors import OperatorError
from ops.hosts.facts import Claim, Facts
from ops.hosts.preflight import HostRequirements, problems
from ops.hosts.routes import Route

FITS = Facts(
    root_refusal=None,
    clock=1_000_000,
    machine_id="0123456789abcdef",
    os="Debian GNU/Linux 12 (bookworm)",
    os_family=frozenset({"debian"}),
    init="systemd",
    arch="amd64",
    kernel="6.1.0",
    cpus=2,
    memory_kib=4 << 20,
    swap_kib=0,
    free_kib=50 << 20,
    ports=frozenset({22}),
    routes=(),
    nameservers=(),
    leftovers=(),
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
        ({"swap_kib": 2 << 20}, "swap: 2048 MiB enabled"),
        ({"free_kib": 1 << 20}, "disk: 1.0 GiB free in /var/lib; 4.0 GiB required"),
        ({"clock": 1_000_600}, "clock skew: 600 s ahead"),
        ({"clock": 999_400}, "clock skew: 600 s behind"),
        ({"ports": frozenset({6443})}, "port 6443 (API server) is in use"),
        (
            {"leftovers": ("/etc/kubernetes/admin.conf",)},
            "leftovers of an earlier installation: /etc",
        ),
        ({"packages": ("docker.io",)}, "conflicting packages: docker.io"),
        ({"claim": Claim("other", "m", "x")}, "owner: this host is m of fleet other"),
    ],
)
def test_each_problem_is_named(changed: dict[str, object], said: str) -> None:
    (problem,) = problems(replace(FITS, **changed), WANTED)  # type: ignore[arg-type] # parametrized
    assert problem.startswith(said)


def test_the_port_of_a_virtual_address_must_be_free() -> None:
    facts = replace(FITS, ports=frozenset({8443}))
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
        FITS, claim=OURS, ports=frozenset({6443, 10250}), leftovers=("/usr/local/bin/kubelet",)
    )
    assert problems(facts, WANTED) == []


def test_truncated_host_facts_are_rejected() -> None:
    with pytest.raises(OperatorError, match="cannot be parsed"):
        Facts.parse("root\tyes\nclock\t1", "host-0")
