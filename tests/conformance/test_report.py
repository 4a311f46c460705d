"""The report of the suite is read as it is meant: nothing that failed counts as passed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.report import Results, read


def spec(name: str, state: str, kind: str = "It", attempts: int = 1) -> dict[str, Any]:
    return {
        "LeafNodeType": kind,
        "ContainerHierarchyTexts": ["[sig-auth] Area"] if kind == "It" else None,
        "LeafNodeText": name,
        "State": state,
        "NumAttempts": attempts,
    }


def written(folder: Path, *specs: dict[str, Any], succeeded: bool = True) -> Results:
    file = folder / "report.json"
    suite = {
        "SuiteDescription": "Kubernetes e2e suite",
        "SuiteSucceeded": succeeded,
        "SpecialSuiteFailureReasons": None if succeeded else ["Suite Timeout Elapsed"],
        "SpecReports": list(specs) or None,
    }
    file.write_text(json.dumps([suite]))
    return read(file)


def test_what_was_left_out_is_not_counted(tmp_path: Path) -> None:
    results = written(
        tmp_path,
        spec("one", "passed"),
        spec("other focus", "skipped", attempts=0),
        spec("windows", "skipped"),
        spec("", "passed", "SynchronizedBeforeSuite"),
    )
    assert results == Results(("[sig-auth] Area one",), (), ("[sig-auth] Area windows",))
    assert str(results) == "1 ran: 1 passed, 0 failed; 1 skipped themselves"


@pytest.mark.parametrize("state", ["failed", "panicked", "interrupted", "aborted", "timedout"])
def test_every_other_end_is_a_failure(tmp_path: Path, state: str) -> None:
    assert written(tmp_path, spec("one", state)).failed == ("[sig-auth] Area one",)


def test_a_set_up_that_failed_is_a_failure(tmp_path: Path) -> None:
    failed = written(tmp_path, spec("", "failed", "SynchronizedBeforeSuite")).failed
    assert failed == ("SynchronizedBeforeSuite",)


def test_a_suite_that_was_cut_is_a_failure(tmp_path: Path) -> None:
    results = written(tmp_path, spec("one", "passed"), succeeded=False)
    assert results.failed == ("Kubernetes e2e suite: Suite Timeout Elapsed",)


def test_a_suite_without_tests_has_nothing_passed(tmp_path: Path) -> None:
    assert written(tmp_path) == Results((), (), ())


def test_a_report_of_no_suite_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("[]")
    with pytest.raises(AssertionError, match="no suite ran"):
        read(tmp_path / "report.json")
