"""scripts/node/drift_clock.sh: how far a machine's clock is from the API server's."""

from datetime import timedelta

import pytest

from tests.node.steps.reporting_machine import ReportingMachine
from tests.ops.watch.conftest import apis
from tests.ops.watch.watched_api import Apis

__all__ = ["apis"]

# A second passes between the stand-in's time and the machine's.
NEARLY = 1


def ahead(machine: ReportingMachine, *servers: int | str, more: str = "") -> int | None:
    """Report once; the API servers that answer are so far ahead of the machine."""
    machine.write("/asked", "")
    machine.write("/server-ahead", "".join(f"{each}\n" for each in servers))
    return machine.report(more).ahead


def asked(machine: ReportingMachine) -> list[str]:
    return machine.path("/asked").read_text().splitlines()


@pytest.mark.parametrize("off", [252, -252, 6, -7, 86400 * 400, -86400 * 4000])
def test_how_far_a_clock_is_off_is_reported_with_its_direction(
    machine: ReportingMachine, off: int
) -> None:
    found = ahead(machine, off)
    assert found is not None and abs(found + off) <= NEARLY


@pytest.mark.parametrize("off", [0, 3, -3])
def test_a_clock_that_is_right_is_reported_as_such(machine: ReportingMachine, off: int) -> None:
    assert ahead(machine, off) == 0
    assert asked(machine) == ["https://192.0.2.1:6443/livez"], "once is enough"


def test_it_is_reported_again_only_when_it_changes(machine: ReportingMachine) -> None:
    first = ahead(machine, 100)
    assert ahead(machine, 101) == first, "what a measure is exact to"
    changed = ahead(machine, 110)
    assert changed is not None and abs(changed + 110) <= NEARLY
    assert ahead(machine, 0) == 0


def test_an_answer_that_is_missing_or_late_says_nothing(machine: ReportingMachine) -> None:
    assert ahead(machine, "silent") is None
    first = ahead(machine, 100)
    assert ahead(machine, "silent") == first
    assert len(asked(machine)) == 1, "no answer is not waited for three times"
    busy = 'eval "$(declare -f curl | sed "1s/curl/answer/")"; curl() { answer "$@"; sleep 3.2; }'
    assert ahead(machine, 0, more=busy) == first
    assert ahead(machine, -50) != first


def test_a_busy_machine_whose_clock_is_right_is_not_off(machine: ReportingMachine) -> None:
    busy = 'eval "$(declare -f curl | sed "1s/curl/answer/")"; curl() { answer "$@"; sleep 2; }'
    assert ahead(machine, 0, more=busy) == 0
    busy = 'eval "$(declare -f curl | sed "1s/curl/answer/")"; curl() { sleep 2; answer "$@"; }'
    assert ahead(machine, 0, more=busy) == 0


def test_a_single_api_server_that_is_off_makes_no_machine_seem_so(
    machine: ReportingMachine,
) -> None:
    assert ahead(machine, 600, 600, 0) == 0
    assert len(asked(machine)) == 3
    found = ahead(machine, 600, 0, 600)
    assert found == 0
    found = ahead(machine, 600, 50, 600)
    assert found is not None and abs(found + 50) <= NEARLY


@pytest.mark.parametrize(
    "date", ["Date: now", "Date: $(touch /tmp/x)", "date: Sat, 99 Nov 2026 10:00:00 GMT", "x"]
)
def test_what_is_no_date_says_nothing(machine: ReportingMachine, date: str) -> None:
    answer = f"curl() {{ [[ ${{!#}} != */livez ]] || printf '%s\\r\\n' '{date}'; }}"
    assert machine.report(answer).ahead is None


def test_a_machine_that_has_not_joined_has_nothing_to_compare_with(
    machine: ReportingMachine,
) -> None:
    machine.path("/etc/kubernetes/kubelet.conf").unlink()
    assert machine.report().ahead is None


@pytest.mark.parametrize("off", [0, 300, -300])
def test_a_real_answer_over_http2_is_understood(
    machine: ReportingMachine, apis: Apis, off: int
) -> None:
    apis.add("c").ahead = timedelta(seconds=off)
    server = f"https://127.0.0.1:{apis.port}/c"
    machine.write("/etc/kubernetes/kubelet.conf", f"clusters:\n- cluster:\n    server: {server}\n")
    found = machine.report("unset -f curl").ahead
    assert found is not None and abs(found + off) <= 2
