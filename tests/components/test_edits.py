"""Edits of names and pools that operators make, and the machines that each of them touches."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.components.conftest import SSH_KEY
from tests.components.recorder import run
from tests.components.test_changes import of_machines
from tests.components.test_names import (
    ALL,
    ALL_OF_HOSTS,
    NONE,
    Difference,
    containers,
    difference,
    existing,
    hosts,
    made,
    numbered,
)
from tests.model.examples import host_key

Edit = Callable[[dict[str, Any]], object]
WORKERS = of_machines("one-rack1-a", "one-rack2-a", "one-rack3-a")
POOLED = of_machines("one-rack1-a", "one-rack2-a", "one-gpu-1")
# Names that steps and other resources of a cluster have, too.
TAKEN = (
    *("admin", "ca", "control-plane", "dns", "drain", "health", "init"),
    *("initialization", "join", "network", "pki", "pod-network", "ports", "prepare", "probe"),
    *("rack1-a-join", "rack1-a-membership", "rack1-a-prepare", "rollout", "snapshot"),
    *("metrics-server", "metrics-server-objects", "worker-0", "workers"),
)


def plain() -> Any:
    return existing({"hosts": hosts(*numbered(3))})


def pooled() -> Any:
    general, gpu = hosts("rack1-a", "rack2-a"), hosts("gpu-1")
    return existing({"pools": {"general": {"hosts": general}, "gpu": {"hosts": gpu}}})


def edited(config: Any, edit: Edit) -> Any:
    after = copy.deepcopy(config)
    edit(after["clusters"]["one"])
    return after


def rename(mapping: dict[str, Any], name: str, other: str) -> None:
    mapping[other] = mapping.pop(name)


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: one["workers"]["hosts"].clear(),
        lambda one: one["workers"].update(hosts=None),
        lambda one: one["workers"].clear(),
        lambda one: one.update(workers=None),
        lambda one: one.pop("workers"),
    ],
    ids=["hosts: {}", "hosts: null", "workers: {}", "workers: null", "no workers"],
)
def test_workers_that_are_left_out_in_any_way_leave_alone(edit: Edit) -> None:
    found = difference(made(plain()), edited(plain(), edit))
    assert found == Difference(NONE, ALL_OF_HOSTS, WORKERS)


@pytest.mark.parametrize(
    ("edit", "deleted"),
    [
        (lambda one: one["workers"]["pools"].pop("gpu"), of_machines("one-gpu-1")),
        (lambda one: one["workers"]["pools"]["gpu"]["hosts"].clear(), of_machines("one-gpu-1")),
        (lambda one: one["workers"]["pools"].clear(), POOLED),
        (lambda one: one["workers"].pop("pools"), POOLED),
    ],
    ids=["pool removed", "pool emptied", "pools: {}", "no pools"],
)
def test_a_pool_that_is_left_out_in_any_way_leaves_alone(edit: Edit, deleted: set[str]) -> None:
    found = difference(made(pooled()), edited(pooled(), edit))
    assert found == Difference(NONE, ALL_OF_HOSTS, deleted)


def test_a_pool_of_hosts_under_another_name_keeps_its_machines() -> None:
    after = edited(pooled(), lambda one: rename(one["workers"]["pools"], "gpu", "accelerated"))
    kept = Difference(NONE, {"one-rollout", "one-gpu-1-membership"}, NONE)
    assert difference(made(pooled()), after) == kept


def test_a_pool_of_containers_under_another_name_has_other_machines() -> None:
    before = containers(general=3, gpu=1)
    after = edited(before, lambda one: rename(one["workers"]["pools"], "gpu", "aaa"))
    assert difference(made(before), after) == Difference(
        of_machines("one-aaa-0"), ALL, of_machines("one-gpu-0")
    )


@pytest.mark.parametrize("pools", [{"gpu": 0}, {"gpu": 0, "general": 0}], ids=["one", "all"])
def test_pools_of_containers_that_shrink_to_nothing_leave_alone(pools: dict[str, int]) -> None:
    sizes = {"general": 3, "gpu": 1}
    gone = [f"one-{pool}-{number}" for pool in pools for number in range(sizes[pool])]
    found = difference(made(containers(**sizes)), containers(**{**sizes, **pools}))
    assert found == Difference(NONE, ALL, of_machines(*gone))


@pytest.mark.parametrize(
    "change",
    [
        {"address": "10.30.77.7"},
        {"nodeAddress": "10.30.77.7"},
        {"hostKey": host_key(9998)},
        {"port": 2222},
    ],
    ids=["address", "node address", "host key", "port"],
)
@pytest.mark.parametrize(("kind", "name"), [("workers", "rack1-a"), ("controlPlanes", "cp-b")])
def test_another_way_to_a_host_touches_its_machine_and_what_knows_it(
    kind: str, name: str, change: dict[str, Any]
) -> None:
    after = edited(plain(), lambda one: one[kind]["hosts"][name].update(change))
    found = difference(made(plain()), after)
    peers = {"one-cp-a-prepare", "one-cp-c-prepare"} if kind == "controlPlanes" else NONE
    assert found.created == found.deleted == NONE
    assert found.changed <= of_machines(f"one-{name}") | ALL_OF_HOSTS | peers


def test_a_control_plane_with_an_earlier_name_joins_the_only_one() -> None:
    before = existing({"hosts": {}}, "cp-b")
    found = difference(made(before), existing({"hosts": {}}, "cp-a", "cp-b", "cp-c"))
    assert (found.created, found.deleted) == (of_machines("one-cp-a", "one-cp-c"), NONE)
    assert not {name for name in found.changed if name.endswith(("-init", "-join"))}


@pytest.mark.parametrize("name", TAKEN)
def test_a_host_may_have_any_name_that_is_no_other_machine_s(name: str) -> None:
    graph = run(
        edited(plain(), lambda one: one["workers"]["hosts"].update(hosts(name))),
        secrets={"sshPrivateKey": SSH_KEY},
    )
    assert graph.refusal is None
    assert f"one-{name}" in {machine.name for machine in graph.kinds("machine:Machine")}
