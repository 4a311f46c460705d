"""Error reporting of providers."""

import traceback
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from pulumi.dynamic import DiffResult
from pulumi.output import UNKNOWN

from components.providers.base import Provider, require_known
from components.providers.ssh_key import SshKeyProvider
from ops.errors import OperatorError


class Failing(Provider[Any, Any]):
    """Fails in the way that its properties name."""

    def _delete(self, state: Any) -> None:
        raise {"operator": OperatorError, "defect": ValueError}[state["because"]]("no disk")


class StrictProvider(Provider[Any, Any]):
    """Needs one input in a mapping, and knows another way without a second one."""

    def _check(self, olds: Any, news: Any) -> Any:
        require_known(news, ["ids"])
        return {**news, "checked": True}

    def _diff(self, olds: Any, news: Any) -> DiffResult:
        return DiffResult(changes=news["ids"]["a"] != "b" or "other" in news)


def message_of(because: str, others: Barrier | None = None) -> str:
    """Return what Pulumi's plugin sends to the engine, once `others` have failed as well."""
    try:
        Failing().delete("", {"because": because})
    except Exception:
        if others:
            others.wait(10)
        return traceback.format_exc()
    raise AssertionError("it did not fail")


def test_an_operator_error_is_shown_without_a_traceback() -> None:
    said = message_of("operator")
    assert said == "no disk"


def test_a_bug_keeps_its_traceback_even_after_an_operator_error() -> None:
    message_of("operator")
    said = message_of("defect")
    assert said.splitlines()[-1] == "ValueError: no disk"
    assert "in _delete" in said


@pytest.mark.parametrize("order", [("operator", "defect"), ("defect", "operator")])
def test_concurrent_failures_are_shown_each_in_its_form(order: tuple[str, str]) -> None:
    failed = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        said = dict(zip(order, pool.map(lambda each: message_of(each, failed), order), strict=True))
    assert said["operator"] == "no disk"
    assert "in _delete" in said["defect"]


@pytest.mark.parametrize("news", [{}, {"ids": {}}])
def test_a_missing_required_input_is_a_change(news: dict[str, Any]) -> None:
    assert StrictProvider().diff("id", {}, news).changes is True


def test_a_present_input_is_compared() -> None:
    assert StrictProvider().diff("id", {}, {"ids": {"a": "b"}}).changes is False
    assert StrictProvider().check({}, {"ids": {"a": "b"}}).inputs == {
        "ids": {"a": "b"},
        "checked": True,
    }


@pytest.mark.parametrize("news", [{}, {"ids": UNKNOWN}, {"ids": {"a": UNKNOWN}}])
def test_uncheckable_inputs_are_unchanged(news: dict[str, Any]) -> None:
    assert StrictProvider().check({}, news).inputs == news


def test_a_generated_key_never_changes() -> None:
    assert SshKeyProvider().diff("id", {"comment": "a"}, {"comment": "b"}).changes is False


def test_a_provider_without_an_update_never_forgets_its_outputs() -> None:
    with pytest.raises(NotImplementedError, match="SshKeyProvider has no update"):
        SshKeyProvider().update("id", {"private_key": "key"}, {"comment": "other"})
