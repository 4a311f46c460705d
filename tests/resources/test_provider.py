"""What the engine is told of a provider that failed."""

import sys
import traceback
from typing import Any

import pytest

from components.resources.provider import OperatorError, Provider


class Failing(Provider):
    """Fails in the way that its properties name."""

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        raise {"operator": OperatorError, "defect": ValueError}[props["because"]]("no disk")


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider sets ends with the test."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)


def told(because: str) -> str:
    """Return what Pulumi's plugin sends to the engine."""
    try:
        Failing().delete("", {"because": because})
    except Exception:
        return traceback.format_exc()
    raise AssertionError("it did not fail")


def test_an_operator_error_is_told_without_the_way_to_it() -> None:
    said = told("operator")
    assert said.splitlines()[-1].endswith("OperatorError: no disk")
    assert "line " not in said


def test_a_defect_keeps_its_traceback_also_after_an_operator_error() -> None:
    told("operator")
    said = told("defect")
    assert said.splitlines()[-1] == "ValueError: no disk"
    assert "in delete" in said
