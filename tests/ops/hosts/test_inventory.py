"""The machines in a stack's output, and errors about missing ones."""

import pytest

from ops.errors import OperatorError
from ops.hosts.inventory import Inventory, MachineEntry
from ops.hosts.login import Login, LoginProps

LOGIN = Login("192.0.2.1", 22, "root", "ssh-ed25519 AAAA", "a private key")


def inventory() -> Inventory:
    def machine(role: str, **login: LoginProps) -> MachineEntry:
        entry: MachineEntry = {
            "address": "192.0.2.1",
            "role": role,
            "pool": "general",
            "driver": "container",
        }
        return {**entry, "login": login["login"]} if login else entry

    known = {"login": LOGIN.to_props()}
    return Inventory(
        {
            name: {
                f"{name}-control-plane-0": machine("control-plane", **known),
                f"{name}-control-plane-1": machine("control-plane", **known),
                f"{name}-worker-0": machine("worker"),
            }
            for name in ("cluster1", "cluster2")
        }
    )


def test_a_machine_is_found_by_its_name() -> None:
    machine = inventory().machine("cluster1-control-plane-0")
    assert (machine.cluster, machine.role, machine.pool, machine.login) == (
        "cluster1", "control-plane", "general", LOGIN,
    )  # fmt: skip
    assert "a private key" not in repr(machine)


def test_an_unknown_name_is_answered_with_similar_ones() -> None:
    with pytest.raises(OperatorError, match=r"no machine cluster1-worker0: did you mean cluster1-"):
        inventory().machine("cluster1-worker0")
    with pytest.raises(OperatorError, match="no machine zzz: the stack has cluster1-control-plane"):
        inventory().machine("zzz")
    with pytest.raises(OperatorError, match="no cluster cluster: did you mean cluster"):
        inventory().control_planes("cluster")
    with pytest.raises(OperatorError, match="the stack has none"):
        Inventory({}).machine("one")


def test_control_planes_are_those_of_the_cluster() -> None:
    names = [each.name for each in inventory().control_planes("cluster2")]
    assert names == ["cluster2-control-plane-0", "cluster2-control-plane-1"]


def test_a_machine_that_was_not_created_has_no_login() -> None:
    with pytest.raises(OperatorError, match="cluster1-worker-0: no login is known"):
        _ = inventory().machine("cluster1-worker-0").login
