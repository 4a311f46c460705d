"""What a host must be for its machine, from the config to the problems that a person reads."""

from dataclasses import replace

import pytest

from components.providers import host_visit
from model.render.node_paths import PROXY_ENVIRONMENT
from ops.current_run import CurrentRun
from ops.hosts.facts import Facts
from ops.hosts.preflight import hints, problems
from tests.components.conftest import SSH_KEY, stack_config
from tests.components.graph import RecordedResource
from tests.components.recorder import run
from tests.model.examples import changed, mirror_sums
from tests.ops.hosts.test_preflight import FITS

GENERAL = "clusters/cluster1/workers/pools/general"
MIRROR = "https://mirror.example.com"
NAT = (("lo", "127.0.0.1"), ("eth0", "192.168.1.7"))


@pytest.fixture(autouse=True)
def _preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no bundle."""
    monkeypatch.setattr(host_visit, "this_run", lambda: CurrentRun(is_preview=True))


def hosts(*changes: tuple[str, object]) -> dict[str, RecordedResource]:
    graph = run(changed(stack_config("prod"), *changes), secrets={"sshPrivateKey": SSH_KEY})
    return {host.name: host for host in graph if host.type.endswith(":ExistingHost")}


def said(host: RecordedResource, facts: Facts) -> list[str]:
    """Return the first words of the problems and hints of a host with these facts."""
    inputs: host_visit.ExistingHostInputs = host.inputs  # type: ignore[assignment]
    wanted = replace(host_visit.requirements(inputs, facts), now=facts.clock)
    return [line.split(":")[0] for line in [*problems(facts, wanted), *hints(facts, wanted)]]


@pytest.mark.parametrize(
    ("name", "own", "other"),
    [
        ("cluster1-rack1-a", "10.20.1.101", "10.20.1.102"),
        ("cluster1-cp-a", "10.20.1.11", "203.0.113.11"),
    ],
)
def test_a_host_has_the_address_of_its_machine(name: str, own: str, other: str) -> None:
    """Behind NAT it has another one, and etcd could not be bound minutes later."""
    host = hosts()[name]
    assert said(host, replace(FITS, addresses=(*NAT, ("eth1", own)))) == []
    assert said(host, replace(FITS, addresses=(*NAT, ("eth1", other)))) == ["address"]


def test_a_node_address_is_what_the_host_must_have() -> None:
    host = hosts((f"{GENERAL}/hosts/rack1-a/nodeAddress", "192.168.1.7"))["cluster1-rack1-a"]
    assert said(host, replace(FITS, addresses=NAT)) == []


def test_swap_is_accepted_where_the_kubelet_of_the_pool_starts_with_it() -> None:
    given = hosts((f"{GENERAL}/kubelet", {"failSwapOn": False}))
    for name, expected in {"cluster1-rack1-a": [], "cluster1-cp-a": ["swap"]}.items():
        own = ("eth0", given[name].inputs["address"])
        facts = replace(FITS, swaps={"/swap.img": 1 << 20}, addresses=(own,))
        assert said(given[name], facts) == expected


def test_a_proxy_of_the_host_is_mentioned_unless_the_config_has_one() -> None:
    proxy = ("proxy", {"http": "http://proxy.example.com:3128"})
    for changes, expected in (((), ["proxy"]), ((proxy,), [])):
        host = hosts(*changes)["cluster1-rack1-a"]
        addresses = (("eth0", "10.20.1.101"),)
        facts = replace(FITS, proxies=("/etc/environment",), addresses=addresses)
        assert said(host, facts) == expected
        assert (PROXY_ENVIRONMENT in host_visit.written_paths(host.inputs)) == (not expected)  # type: ignore[arg-type]


def test_files_of_a_mirror_are_verified_with_the_sums_of_the_config() -> None:
    sums = mirror_sums(MIRROR)
    given = hosts(("artifacts", {"source": "upstream", "mirror": MIRROR, "sums": sums}))
    inputs = given["cluster1-rack1-a"].inputs
    assert (inputs["mirror"], inputs["sums"]) == (MIRROR, sums)
