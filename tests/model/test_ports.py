"""Ports: the table that people read, and what is tried of it between machines."""

from collections import Counter
from itertools import permutations

import pytest

from model.machine import CONTROL_PLANE, WORKER
from model.ports import IP, NEIGHBORS, Trial, port_rules, trials


def roles(control_planes: int, workers: int) -> dict[str, str]:
    return {f"c{index}": CONTROL_PLANE for index in range(control_planes)} | {
        f"w{index}": WORKER for index in range(workers)
    }


def planned(machines: dict[str, str], *new: str, vip_port: int | None = None) -> list[Trial]:
    return trials(port_rules(vip_port, "flannel"), machines, new or tuple(machines))


def labels(found: list[Trial], source: str, target: str) -> set[str]:
    return {trial.rule.label for trial in found if (trial.source, trial.target) == (source, target)}


def test_each_direction_has_the_ports_of_its_roles() -> None:
    found = planned(roles(2, 2))
    of_etcd = {"TCP 2379", "TCP 2380"}
    assert labels(found, "c0", "c1") == {"TCP 6443", "TCP 10250", "UDP 8472"} | of_etcd
    assert labels(found, "w0", "c0") == {"TCP 6443", "UDP 8472"}
    assert labels(found, "c0", "w0") == {"TCP 10250", "UDP 8472"}
    assert labels(found, "w0", "w1") == {"UDP 8472"}


def test_a_virtual_address_needs_its_port_and_vrrp() -> None:
    found = planned(roles(2, 1), vip_port=8443)
    assert {"TCP 8443", "IP protocol 112"} <= labels(found, "c0", "c1")
    assert "IP protocol 112" not in labels(found, "c1", "c0")
    assert labels(found, "w0", "c0") == {"TCP 6443", "TCP 8443", "UDP 8472"}


@pytest.mark.parametrize("size", [3, 4, 5])
def test_packets_without_ports_reach_each_control_plane_but_never_as_an_answer(size: int) -> None:
    found = [trial for trial in planned(roles(size, 3), vip_port=8443) if trial.rule.protocol == IP]
    pairs = {(trial.source, trial.target) for trial in found}
    assert {target for _, target in pairs} == {f"c{index}" for index in range(size)}
    assert len(pairs) == size * (size - 1) // 2
    assert not [pair for pair in pairs if (pair[1], pair[0]) in pairs]


def test_only_what_a_new_machine_takes_part_in_is_tried_again() -> None:
    found = planned(roles(3, 2), "w1")
    assert found
    assert all("w1" in (trial.source, trial.target) for trial in found)
    assert not planned(roles(1, 0))


def test_small_clusters_try_every_pair() -> None:
    machines = roles(3, 2 * NEIGHBORS + 1)
    pairs = {(trial.source, trial.target) for trial in planned(machines)}
    assert pairs == set(permutations(machines, 2))


def test_a_worker_of_many_tries_all_control_planes_and_a_few_neighbors() -> None:
    found = planned(roles(3, 97))
    overlay = [trial for trial in found if trial.rule.label == "UDP 8472"]
    for name in ("w0", "w50", "w96"):
        assert Counter(trial.source[0] for trial in overlay if trial.target == name) == {
            "c": 3,
            "w": 2 * NEIGHBORS,
        }
    assert len(found) < 20 * 100
