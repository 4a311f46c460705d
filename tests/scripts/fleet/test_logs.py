"""`fleet logs` against a real sshd, with logs of the test's own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from model.render import node_scripts
from ops.hosts.inventory import Inventory, MachineEntry
from ops.hosts.operations import OPERATIONS
from scripts.fleet import engine_run
from scripts.fleet.__main__ import cli
from tests.scripts.fleet.hosts import login
from tests.sshd import KeyPair, Sshd

# What is said instead of a log: which one is wanted.
SAID = """
unit_log() { echo "unit $WANTED"; }
container_log() {
  [[ $WANTED != *none* ]] || return 3
  printf 'first of %s\nlast' "$WANTED"
}
"""
LOGS = (OPERATIONS["unit_log"], OPERATIONS["container_log"])
Fleet = Callable[..., int]


@pytest.fixture
def fleet(host: Sshd, key: KeyPair, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Runs `fleet` for two control planes; those of cluster `half` are one that is silent."""
    there = login(host, key)
    entry: MachineEntry = {
        "address": "192.0.2.1",
        "role": "control-plane",
        "pool": "",
        "driver": "existing",
    }
    known: MachineEntry = {**entry, "login": there.to_props()}
    silent: MachineEntry = {**entry, "login": replace(there, port=1).to_props()}
    output = {
        "one": {"one-control-plane-0": known, "one-control-plane-1": known},
        "half": {"half-control-plane-0": silent, "half-control-plane-1": known},
    }

    def compose(script: str, settings: Mapping[str, str]) -> str:
        assert set(settings) in [set(each.settings) for each in LOGS]
        assert script == "logs"
        wanted = " ".join(f"{key}={value}" for key, value in settings.items())
        return f"WANTED='{wanted}'\n{SAID}"

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(["logs", *arguments])
        status: Any = ended.value.code
        return int(status)

    monkeypatch.setattr(node_scripts, "compose", compose)
    monkeypatch.setattr(engine_run, "inventory", lambda _stack: Inventory(output))
    return run


def test_the_log_of_one_machine_is_unmodified(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("one-control-plane-0") == 0
    assert capfd.readouterr().out == ("unit UNIT=kubelet FOLLOW=no LAST_LINES=200 SINCE_SECONDS=\n")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("containerd", "-f"), "UNIT=containerd FOLLOW=yes LAST_LINES=200 SINCE_SECONDS="),
        (("--since", "1h30m"), "UNIT=kubelet FOLLOW=no LAST_LINES= SINCE_SECONDS=5400"),
        (("--since", "2d", "-n", "5"), "UNIT=kubelet FOLLOW=no LAST_LINES=5 SINCE_SECONDS=172800"),
        (("--tail", "-1"), "UNIT=kubelet FOLLOW=no LAST_LINES= SINCE_SECONDS="),
    ],
)
def test_limits_are_passed_to_the_machine(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], options: tuple[str, ...], settings: str
) -> None:
    assert fleet("one-control-plane-0", *options) == 0
    assert capfd.readouterr().out == f"unit {settings}\n"


def test_component_logs_are_prefixed_with_the_machine(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("one/etcd") == 0
    wanted = "CONTAINER=etcd FOLLOW=no LAST_LINES=200 SINCE_SECONDS="
    assert sorted(capfd.readouterr().out.splitlines()) == sorted(
        f"[one-control-plane-{number}] {line}"
        for number in (0, 1)
        for line in (f"first of {wanted}", "last")
    )


def test_an_unreachable_machine_is_named_and_the_others_are_shown(
    fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("half/etcd") == 2
    shown = capfd.readouterr()
    assert "[half-control-plane-1] last" in shown.out
    assert "fleet: half-control-plane-0:" in shown.err
    assert "cannot be reached" in shown.err


def test_an_unknown_component_is_an_error(fleet: Fleet) -> None:
    assert fleet("one/none") == 2


@pytest.mark.parametrize("text", ["", "1", "h", "10 m", "1m1h", "-5s"])
def test_an_invalid_duration_is_rejected(
    fleet: Fleet, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    assert fleet("one-control-plane-0", "--since", text) == 2
    assert "not a duration such as 30s, 10m or 1h30m" in capfd.readouterr().err


def test_a_unit_requires_a_machine(fleet: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet("one/etcd", "kubelet") == 2
    assert "UNIT needs a MACHINE" in capfd.readouterr().err
