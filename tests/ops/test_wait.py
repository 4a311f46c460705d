"""Waits: their results, and their errors at the deadline."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ops import interruption
from ops.errors import OperatorError
from ops.interruption import Interrupted
from ops.wait import NotYet, wait_until

TOP = Path(__file__).parents[2]
# Those that have loops of their own: components/providers/wave.py, and components/unanswered.py,
# which waits beside the tasks of the program, without a deadline.
OWN_LOOPS = {"wave.py", "unanswered.py"}


def after(times: int, error: Exception) -> Callable[[], int]:
    """A check that raises so many times, and returns how often it was called."""
    calls = 0

    def check() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error
        return calls

    return check


def test_the_result_of_the_check_is_returned() -> None:
    assert wait_until(after(2, NotYet("no")), 5, OperatorError, poll_seconds=0.001) == 3
    assert wait_until(lambda: None, 5, OperatorError) is None


def test_an_interrupt_ends_a_wait_that_stops_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "interrupt"
    monkeypatch.setenv(interruption.VARIABLE, str(file))
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        interruption.request(file)
        if len(calls) < 3:
            raise NotYet("no")

    with pytest.raises(Interrupted, match=r"^interrupted: it is left$"):
        wait_until(check, 5, OperatorError, poll_seconds=0.001, stops="it is left")
    assert len(calls) == 1
    wait_until(check, 5, OperatorError, poll_seconds=0.001)
    assert len(calls) == 3
    monkeypatch.delenv(interruption.VARIABLE)
    interruption.stop_before("a run of another engine")


def test_the_timeout_error_has_the_last_status() -> None:
    began = time.monotonic()
    with pytest.raises(OperatorError, match="waited for a: b is not ready"):
        wait_until(
            after(10**6, NotYet("b is not ready")),
            0.2,
            lambda reason: OperatorError(f"waited for a: {reason}"),
            poll_seconds=0.01,
        )
    assert 0.2 <= time.monotonic() - began < 2


def test_the_check_runs_at_least_once() -> None:
    assert wait_until(after(0, NotYet()), -1, OperatorError) == 1
    with pytest.raises(OperatorError, match="NotYet"):
        wait_until(after(1, NotYet()), -1, OperatorError)


def test_transient_errors_are_retried() -> None:
    check = after(1, ConnectionRefusedError("refused"))
    assert wait_until(check, 5, OperatorError, passing=(OSError,), poll_seconds=0.001) == 2
    with pytest.raises(OperatorError, match="refused"):
        wait_until(after(1, OSError("refused")), 0, OperatorError, passing=(OSError,))


def test_other_errors_end_the_wait() -> None:
    with pytest.raises(KeyError, match="typo"):
        wait_until(after(1, KeyError("typo")), 5, OperatorError, passing=(OSError,))


def test_no_other_module_sleeps() -> None:
    sleeping = {
        file.name
        for room in ("ops", "components")
        for file in (TOP / room).rglob("*.py")
        if "sleep(" in file.read_text()
    }
    assert sleeping <= OWN_LOOPS


def yaml_error(text: str) -> Exception:
    with pytest.raises(yaml.YAMLError) as raised:
        yaml.safe_load(text)
    return raised.value


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (FileNotFoundError(2, "No such file or directory", "/a"), "No such file or directory: /a"),
        (TimeoutError("timed out"), "timed out"),
        (EOFError(), "EOFError"),
        (yaml_error("a: 1\nb: ["), "line 2: expected the node content, but found '<stream end>'"),
    ],
)
def test_an_error_of_the_system_is_its_text_without_its_number(error: Exception, text: str) -> None:
    with pytest.raises(OperatorError, match=f"^{re.escape(text)}$"):
        wait_until(after(1, error), -1, OperatorError, passing=(type(error),))
