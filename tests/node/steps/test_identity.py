"""Whose machine it is, verified before anything changes there."""

import pytest

from tests.node.steps.disk import IDENTITY, Disk


def enroll(disk: Disk, machine: str = "node", mark: str = "3f2a") -> str:
    """Enroll the machine, and return its identity."""
    (disk.state / "owner").write_text(f"0123fleet\t{machine}\t{mark}\n")
    return f"{IDENTITY}-{mark}"


def test_a_container_machine_is_known_by_its_machine_id(disk: Disk) -> None:
    assert disk.run("machine_identity").stdout == f"{IDENTITY}\n"
    assert disk.run("identify; echo same").stdout == "same\n"


def test_an_enrolled_host_is_known_by_its_enrollment(disk: Disk) -> None:
    identity = enroll(disk)
    assert disk.run(f"MACHINE_ID={identity}; identify; echo same").stdout == "same\n"
    assert disk.run("identify").returncode == 1, "a host with a copied machine-id"


@pytest.mark.parametrize("other", ["f" * 16, f"{IDENTITY}-0000"])
def test_a_step_on_another_machine_changes_nothing(disk: Disk, other: str) -> None:
    enroll(disk, machine="node-7")
    refused = disk.run(f"MACHINE_ID={other}; lib_begin; touch $STATE/changed")
    assert refused.returncode == 1
    assert "is not node: it is" in refused.stderr
    assert f"enrolled as node-7, {IDENTITY}-3f2a instead of {other}" in refused.stderr
    assert "correct the address and the hostKey of node in the config" in refused.stderr
    assert [file.name for file in disk.state.iterdir()] == ["owner"]


@pytest.mark.parametrize("call", ["inspect", "record_initial", "record_applied", "register"])
def test_an_operation_on_another_machine_is_refused(disk: Disk, call: str) -> None:
    disk.join()
    nothing = "systemctl() { :; }; ip() { :; }"
    refused = disk.run(f"{nothing}; MACHINE_ID=another; {call}", "applied_state")
    assert refused.returncode == 1
    assert "is not node: it is" in refused.stderr
    assert refused.stdout == ""
    assert [file.name for file in disk.state.iterdir()] == ["member"]


def test_a_step_that_does_not_say_whose_machine_it_expects_is_refused(disk: Disk) -> None:
    refused = disk.run("unset MACHINE_ID; lib_begin")
    assert refused.returncode != 0
    assert "MACHINE_ID is required by every step" in refused.stderr


def test_a_host_is_claimed_whatever_it_is(disk: Disk) -> None:
    claimed = disk.run("unset MACHINE_ID; FLEET=0123fleet MARK=3f2a claim_host", "enrollment")
    assert claimed.stdout.splitlines()[0] == "0123fleet\tnode\t3f2a"
