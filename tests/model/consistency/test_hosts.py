"""What machines report, compared between Nodes, and with what is declared of every machine."""

from datetime import UTC, datetime
from typing import Any

import pytest

from model.consistency import facts, hosts
from model.consistency.comparison import difference
from model.consistency.declaration import Declared
from model.consistency.facts import ClusterFacts
from model.consistency.hosts import AS_APPLIED, NOT_AS_APPLIED
from model.consistency.matrix import matrix
from model.consistency.report import State
from model.host_digests import parse

UNIT = "/etc/systemd/system/kubelet.service"
MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
SECRET = "/var/lib/kubeadm-fleet/api-server/secrets/a"
NODES = ("n0", "n1", "n2")


def report(**sections: Any) -> dict[str, Any]:
    """A report of a machine in order."""
    settings = dict(hosts.declared_items()[facts.SYSCTLS])
    base: dict[str, Any] = {
        "time": 1795757045,
        "version": 1,
        "files": {**hosts.declared_files(), MANIFEST: "0" * 16, SECRET: "same"},
        "programs": {"/usr/local/bin/kubelet": "a" * 16},
        "sysctls": {**settings, "vm.swappiness": "60", "fs.file-max": "1000"},
        "modules": {"overlay": "loaded"},
        "units": {"kubelet.service": "active enabled"},
        "versions": {"kernel": "6.1", "runc": "1.3.0"},
        "differs": [],
    }
    for name, values in sections.items():
        base[name] = {**base[name], **values} if isinstance(values, dict) else values
    return base


def edited(path: str) -> list[dict[str, Any]]:
    return [{"kind": "file", "name": path, "what": "was changed", "since": 1795757045}]


def items(*, arch: str = "amd64", **sections: Any) -> Any:
    return hosts.items_of(parse(report(**sections)), arch)


def rows(*reports: Any, is_declared: bool = True) -> list[tuple[str, str, list[State]]]:
    """What differs in a cluster with these machines."""
    facts_of = ClusterFacts("a", version="v1")
    nodes = {}
    for index, areas in enumerate(reports):
        facts_of = facts_of.with_host(f"n{index}", areas)
        nodes[f"n{index}"] = hosts.declared_items()
    declared = {"a": Declared("v1", nodes=nodes)} if is_declared else {}
    found = matrix([facts_of], declared).rows
    return [
        (row.area, row.item, [node.state for cell in row.cells for node in cell.nodes])
        for row in found
    ]


@pytest.mark.parametrize("is_declared", [True, False])
def test_machines_in_order_do_not_differ(*, is_declared: bool) -> None:
    own: Any = {"files": {MANIFEST: "1" * 16}, "sysctls": {"fs.file-max": "2000"}}
    assert rows(items(), items(**own), items(), is_declared=is_declared) == []


def test_one_machine_is_compared_with_what_is_declared() -> None:
    found = rows(items(files={UNIT: "f" * 16}, sysctls={"vm.panic_on_oom": "1"}))
    assert [(area, item) for area, item, _ in found] == [
        (facts.FILES, UNIT),
        (facts.SYSCTLS, "vm.panic_on_oom"),
    ]


@pytest.mark.parametrize(
    ("area", "item", "sections"),
    [
        (facts.FILES, MANIFEST, {"differs": edited(MANIFEST)}),
        (facts.FILES, MANIFEST, {"files": {MANIFEST: "missing"}}),
        (facts.FILES, SECRET, {"files": {SECRET: "different"}}),
        (
            facts.PROGRAMS,
            "/usr/local/bin/kubelet (amd64)",
            {"programs": {"/usr/local/bin/kubelet": "b" * 16}},
        ),
        (facts.PROGRAMS, "runc version", {"versions": {"runc": "1.2.0"}}),
        (facts.UNITS, "kubelet.service", {"units": {"kubelet.service": "active disabled"}}),
        (facts.SYSCTLS, "vm.swappiness", {"sysctls": {"vm.swappiness": "1"}}),
        (facts.SYSCTLS, "module overlay", {"modules": {"overlay": "missing"}}),
    ],
)
def test_the_odd_machine_is_marked(area: str, item: str, sections: dict[str, Any]) -> None:
    ((found, name, states),) = rows(items(), items(**sections), items())
    assert (found, name, {*states}) == (area, item, {State.ODD, State.SAME})


def test_what_a_machine_alone_has_is_no_difference() -> None:
    """Such as the load balancer of a control plane, or a program of another architecture."""
    plane = items(units={"kubeadm-fleet-haproxy.service": "active enabled"})
    other = items(arch="arm64", programs={"/usr/local/bin/kubelet": "b" * 16})
    assert rows(plane, items(), other) == []


def test_what_one_cluster_alone_has_is_no_difference() -> None:
    plane = items(units={"kubeadm-fleet-haproxy.service": "active enabled"})
    other = items(units={"kubelet.service": "active disabled"})
    one, two = (
        ClusterFacts(name, version="v1").with_host(f"{name}-0", areas)
        for name, areas in (("a", plane), ("b", other))
    )
    assert [
        (each.area, each.item, each.a, each.b)
        for each in difference(one, two, datetime.now(UTC)).fields
    ] == [(facts.UNITS, "kubelet.service", "active enabled", "active disabled")]


def test_own_values_are_named() -> None:
    found = items(differs=edited(MANIFEST))
    assert found[facts.FILES][MANIFEST] == NOT_AS_APPLIED
    assert found[facts.FILES][SECRET] == AS_APPLIED
    assert found[facts.SYSCTLS]["fs.file-max"] == "<by size>"
    assert parse(report()).time == datetime.fromtimestamp(1795757045, UTC)


def test_no_file_that_a_machine_fills_in_is_compared_by_its_digest() -> None:
    assert UNIT in hosts.declared_files()
    assert "/etc/containerd/config.toml" not in hosts.declared_files()
