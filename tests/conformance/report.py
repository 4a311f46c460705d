"""The suite's own report: what ran, and how it ended."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUCCESSFUL = ("passed", "skipped", "pending")


@dataclass(frozen=True)
class Results:
    """Names of tests, in the order of the report.

    `unsupported` began and skipped themselves, as their kind of cluster is another; what the
    focus left out is in none of them. `failed` contains failed set-ups of the suite too.
    """

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    unsupported: tuple[str, ...]

    def __str__(self) -> str:
        ran = len(self.passed) + len(self.failed)
        return (
            f"{ran} ran: {len(self.passed)} passed, {len(self.failed)} failed; "
            f"{len(self.unsupported)} skipped themselves"
        )


def read(file: Path) -> Results:
    """Read what `--ginkgo.json-report` wrote; a report of no suite is an error."""
    suites: list[dict[str, Any]] = json.loads(file.read_text())
    assert suites, f"{file}: no suite ran"
    specs = [spec for suite in suites for spec in suite["SpecReports"] or ()]
    tests = [spec for spec in specs if spec["LeafNodeType"] == "It"]
    return Results(
        tuple(_name(spec) for spec in tests if spec["State"] == "passed"),
        (
            *(_name(spec) for spec in specs if spec["State"] not in SUCCESSFUL),
            *_other_failures(suites, specs),
        ),
        tuple(
            _name(spec)
            for spec in tests
            if spec["State"] == "skipped" and spec.get("NumAttempts", 0) > 0
        ),
    )


def _other_failures(suites: list[dict[str, Any]], specs: list[dict[str, Any]]) -> Iterator[str]:
    """Give a failure of a suite that none of its tests explains, such as a timeout."""
    if all(spec["State"] in SUCCESSFUL for spec in specs):
        for suite in suites:
            if not suite["SuiteSucceeded"]:
                reasons = suite.get("SpecialSuiteFailureReasons") or ["no reason given"]
                yield f"{suite['SuiteDescription']}: {', '.join(reasons)}"


def _name(spec: dict[str, Any]) -> str:
    texts = (*(spec.get("ContainerHierarchyTexts") or ()), spec.get("LeafNodeText", ""))
    return " ".join(filter(None, texts)) or spec["LeafNodeType"]
