"""A name is what a machine is: what order, insertions, removals and moves in the config touch."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.components.conftest import SSH_KEY
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.components.test_changes import of_machines
from tests.model.examples import CONTAINER, changed, host_key

# What knows all machines of a cluster.
ALL = {"one-rollout", "one-health"}
ALL_OF_HOSTS = ALL | {"one-ports"}
NONE: set[str] = set()


@dataclass(frozen=True)
class Difference:
    """Names of resources that one run would create, change and delete after another."""

    created: set[str]
    changed: set[str]
    deleted: set[str]


def difference(before: Graph, config: Any) -> Difference:
    after = run(config, before, {"sshPrivateKey": SSH_KEY})
    assert after.refusal is None, after.refusal
    then, now = ({each.urn: each for each in graph.customs} for graph in (before, after))
    touched = after.changed_from(before)
    created = {now[urn].name for urn in now.keys() - then.keys()}
    return Difference(
        created, touched - created, {then[urn].name for urn in then.keys() - now.keys()}
    )


def hosts(*names: str, **settings: Any) -> dict[str, Any]:
    """Return hosts whose addresses and keys depend on their names alone."""
    numbers = {name: sum(map(ord, name)) * 7 % 9973 + 500 for name in names}
    assert len(set(numbers.values())) == len(names)
    return {
        name: {
            "address": f"10.30.{number // 250}.{number % 250 + 1}",
            "hostKey": host_key(number),
            **settings,
        }
        for name, number in numbers.items()
    }


def numbered(size: int) -> list[str]:
    return [f"rack{number}-a" for number in range(1, size + 1)]


def existing(workers: dict[str, Any], *control_planes: str, **more: Any) -> dict[str, Any]:
    names = control_planes or ("cp-a", "cp-b", "cp-c")
    cluster = {
        "endpoint": {"vip": "10.30.250.9:8443"},
        "controlPlanes": {"hosts": hosts(*names)},
        "workers": workers,
        **more,
    }
    return {"machines": {"driver": "existing"}, "clusters": {"one": cluster}}


def made(config: Any) -> Graph:
    graph = run(config, secrets={"sshPrivateKey": SSH_KEY})
    assert graph.refusal is None, graph.refusal
    return graph


def reversed_everywhere(value: Any) -> Any:
    """Return a config with all of its mappings in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_everywhere(value[key]) for key in reversed(value)}
    return value


@pytest.mark.parametrize("size", [1, 10])
def test_order_of_the_config_changes_nothing(size: int) -> None:
    pools = {
        "general": {"hosts": hosts(*numbered(size))},
        "gpu": {"hosts": hosts("gpu-1", "gpu-2"), "labels": {"a": "1", "b": "2"}},
    }
    config = existing({"labels": {"c": "3", "d": "4"}, "pools": pools})
    assert difference(made(config), reversed_everywhere(config)) == Difference(NONE, NONE, NONE)


@pytest.mark.parametrize(
    ("size", "place"), [(1, 0), (10, 0), (10, 4), (10, 9)], ids=["only", "first", "middle", "last"]
)
def test_a_host_that_is_taken_out_or_put_in_is_the_only_one_touched(size: int, place: int) -> None:
    names = numbered(size)
    out = names[place]
    without = existing({"hosts": hosts(*(name for name in names if name != out))})
    full = existing({"hosts": hosts(*names)})
    assert difference(made(full), without) == Difference(
        NONE, ALL_OF_HOSTS, of_machines(f"one-{out}")
    )
    assert difference(made(without), full) == Difference(
        of_machines(f"one-{out}"), ALL_OF_HOSTS, NONE
    )


@pytest.mark.parametrize("out", ["cp-a", "cp-b", "cp-c"])
def test_any_control_plane_can_be_exchanged(out: str) -> None:
    stay = [name for name in ("cp-a", "cp-b", "cp-c") if name != out]
    workers = {"hosts": hosts(*numbered(3))}
    for new in ("cp-0", "cp-bb", "cp-d"):
        found = difference(made(existing(workers)), existing(workers, *stay, new))
        # Peers are what the others' load balancers and memberships list.
        informed = {f"one-{name}-{step}" for name in stay for step in ("prepare", "membership")}
        informed.add("one-initialization")
        assert found == Difference(
            of_machines(f"one-{new}"), ALL_OF_HOSTS | informed, of_machines(f"one-{out}")
        )


def test_first_and_middle_control_planes_leave_without_touching_the_initialization() -> None:
    names = ("cp-a", "cp-b", "cp-c", "cp-d", "cp-e")
    workers = {"hosts": hosts(*numbered(1))}
    before = made(existing(workers, *names))
    found = difference(before, existing(workers, "cp-b", "cp-d", "cp-e"))
    assert found.created == NONE
    assert found.deleted == of_machines("one-cp-a", "one-cp-c")
    assert not {name for name in found.changed if name.endswith(("-init", "-join"))}


def test_a_host_that_moves_to_another_pool_stays_the_same_machine() -> None:
    def config(general: list[str], gpu: list[str]) -> Any:
        settings = {"labels": {"gpu": "yes"}, "kubelet": {"maxPods": 30}}
        return existing(
            {
                "pools": {
                    "general": {"hosts": hosts(*general)},
                    "gpu": {"hosts": hosts(*gpu), **settings},
                }
            }
        )

    names = numbered(10)
    before = made(config(names, []))
    found = difference(before, config([*names[:4], *names[5:]], [names[4]]))
    # Its membership notes in which pool's turn it leaves one day.
    assert found == Difference(NONE, {"one-rollout", f"one-{names[4]}-membership"}, NONE)


def test_names_of_pools_and_of_hosts_are_no_part_of_each_other() -> None:
    workers = hosts(*numbered(3))
    plain = existing({"hosts": workers})
    pooled = existing({"pools": {"general": {"hosts": workers}}})
    memberships = {f"one-{name}-membership" for name in workers}
    assert difference(made(plain), pooled) == Difference(NONE, {"one-rollout", *memberships}, NONE)


def containers(**pools: int) -> Any:
    workers = {"pools": {name: {"count": count} for name, count in pools.items()}}
    cluster = {"machines": {"subnet": "10.89.1.0/24"}, "workers": workers}
    return changed(CONTAINER, ("clusters", {"one": cluster}))


@pytest.mark.parametrize("pool", ["aaa", "gpu", "zzz"])
@pytest.mark.parametrize("size", [1, 10])
def test_a_pool_is_added_and_removed_alone(pool: str, size: int) -> None:
    without, full = containers(general=3), containers(**{pool: size, "general": 3})
    own = of_machines(*(f"one-{pool}-{number}" for number in range(size)))
    assert difference(made(without), full) == Difference(own, ALL, NONE)
    assert difference(made(full), without) == Difference(NONE, ALL, own)


def test_the_highest_numbers_of_a_pool_leave() -> None:
    found = difference(made(containers(general=10, gpu=1)), containers(general=9, gpu=1))
    assert found == Difference(NONE, ALL, of_machines("one-general-9"))


def test_workers_without_pools_are_those_of_a_pool_with_their_name() -> None:
    cluster = {"machines": {"subnet": "10.89.1.0/24"}, "workers": {"count": 3}}
    plain = made(changed(CONTAINER, ("clusters", {"one": cluster})))
    assert difference(plain, containers(worker=3)) == Difference(NONE, NONE, NONE)
