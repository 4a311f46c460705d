"""Initializations of a cluster: only an accepted loss of all data is another one."""

from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from components.providers.initialization import InitializationProvider
from ops.current_run import CurrentRun
from ops.errors import OperatorError

INITIALIZATIONS = InitializationProvider()


def props(*nodes: str, first: str = "first", data_loss: str = "") -> dict[str, Any]:
    return {
        "cluster": "cluster1",
        "nodes": list(nodes),
        "first": first,
        "data_loss": data_loss,
    }


ONE = props("cp-b")
THREE = props("cp-a", "cp-b", "cp-c", first="second")
LOST = pytest.mark.parametrize(
    "after",
    [
        props("cp-b", first="another"),
        props("cp-b", first=UNKNOWN),
        props("cp-b", "cp-c", first="another"),
        props("cp-a", first="another"),
        props("cp-a", "cp-c", first=UNKNOWN),
    ],
)


def diff(before: dict[str, Any], after: dict[str, Any]) -> Any:
    return INITIALIZATIONS.diff("id", INITIALIZATIONS.create(before).outs or {}, after)


@LOST
@pytest.mark.parametrize(("recorded", "given"), [("", ""), ("TICKET-1", "TICKET-1"), ("T", "")])
def test_the_only_control_plane_is_not_replaced_without_a_new_consent(
    after: dict[str, Any], recorded: str, given: str
) -> None:
    with pytest.raises(OperatorError, match=r"only control plane of .*restore.*acceptDataLoss"):
        diff(ONE | {"data_loss": recorded}, after | {"data_loss": given})


@LOST
def test_a_new_consent_initializes_the_cluster_again(after: dict[str, Any]) -> None:
    found = diff(ONE | {"data_loss": "TICKET-1"}, after | {"data_loss": "TICKET-2"})
    assert found.replaces == ["first"]
    assert found.delete_before_replace


def test_the_consent_of_the_run_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine asks with former inputs when it works out what a replacement entails."""
    run = CurrentRun(consents={"cluster1": "TICKET-1"})
    monkeypatch.setattr("components.providers.initialization.this_run", lambda: run)
    assert diff(ONE, ONE | {"first": UNKNOWN}).replaces == ["first"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ONE, ONE | {"data_loss": "TICKET-1"}),
        (ONE | {"data_loss": "TICKET-1"}, ONE | {"data_loss": "TICKET-2"}),
        (ONE | {"data_loss": "TICKET-1"}, ONE),
        (ONE, props("cp-b", "cp-c")),
        (ONE, THREE),
        (ONE, THREE | {"first": UNKNOWN}),
        (THREE, ONE),
        (THREE, THREE | {"first": UNKNOWN}),
        (THREE, props("cp-d", first="another")),
    ],
)
def test_words_and_other_control_planes_are_an_update_in_place(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = diff(before, after)
    assert found.changes
    assert not found.replaces
    assert INITIALIZATIONS.update("id", before, after).outs == after


def test_nothing_new_is_no_change() -> None:
    assert not diff(THREE, dict(THREE)).changes


def test_what_a_failed_machine_does_not_give_replaces_nothing() -> None:
    given = {key: value for key, value in ONE.items() if key != "first"}
    found = diff(ONE, given)
    assert found.changes
    assert not found.replaces
