"""Diff: the operations that changed inputs require."""

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.scripts.command_plugin.client import COPY, LOCAL, REMOTE, Plugin
from tests.scripts.command_plugin.values import UNKNOWN, file_asset, secret

INPUTS = {"create": "old", "connection": secret({"host": "h", "user": "root"})}


def diff(
    plugin: Plugin,
    old: dict[str, Any],
    new: dict[str, Any],
    token: str = REMOTE,
    ignore: tuple[str, ...] = (),
) -> Any:
    return plugin.diff(token, {**old, "stdout": "", "stderr": ""}, old, new, ignore=ignore)


def kinds(answer: Any) -> dict[str, str]:
    name = provider_pb2.PropertyDiff.Kind.Name
    return {path: name(each.kind) for path, each in answer.detailedDiff.items()}


def test_equal_inputs_have_no_diff(plugin: Plugin) -> None:
    answer = diff(plugin, INPUTS, INPUTS)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert answer.hasDetailedDiff


@pytest.mark.parametrize(
    "changed",
    [
        {"create": "new"},
        {"connection": secret({"host": "other", "user": "root"})},
        {"stdin": "new"},
        {"update": "new"},
        {"delete": "new"},
        {"logging": "none"},
        {"environment": {"A": "1"}},
        {"addPreviousOutputInEnv": False},
    ],
)
def test_any_input_but_triggers_updates(plugin: Plugin, changed: dict[str, Any]) -> None:
    answer = diff(plugin, INPUTS, {**INPUTS, **changed})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.diffs) == list(changed)
    assert not answer.replaces


def test_added_and_removed_triggers_replace(plugin: Plugin) -> None:
    with_triggers = {**INPUTS, "triggers": ["a"]}
    came, went = diff(plugin, INPUTS, with_triggers), diff(plugin, with_triggers, INPUTS)
    assert kinds(came) == {"triggers": "ADD_REPLACE"}
    assert kinds(went) == {"triggers": "DELETE_REPLACE"}
    assert list(came.replaces) == list(went.replaces) == ["triggers"]
    assert not came.deleteBeforeReplace


def test_triggers_that_become_unknown_replace(plugin: Plugin) -> None:
    answer = diff(plugin, {**INPUTS, "triggers": ["a"]}, {**INPUTS, "triggers": UNKNOWN})
    assert kinds(answer) == {"triggers": "UPDATE_REPLACE"}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (["b"], {"triggers[0]": "UPDATE"}),
        (["a", "b"], {"triggers[1]": "ADD"}),
        ([], {"triggers[0]": "DELETE"}),
        ([UNKNOWN], {"triggers[0]": "UPDATE"}),
    ],
)
def test_a_changed_item_of_triggers_is_named(
    plugin: Plugin, new: list[str], expected: dict[str, str]
) -> None:
    # It is the SDK's replace_on_changes "triggers[*]" that makes a replacement of this.
    answer = diff(plugin, {**INPUTS, "triggers": ["a"]}, {**INPUTS, "triggers": new})
    assert kinds(answer) == expected
    assert list(answer.diffs) == ["triggers"]


def test_changed_items_of_a_map_are_named(plugin: Plugin) -> None:
    old = {**INPUTS, "environment": {"A.b": "1", "B": "1"}}
    new = {**INPUTS, "environment": {"A.b": "2", "C": "1"}}
    expected = {
        'environment["A.b"]': "UPDATE",
        "environment.B": "DELETE",
        "environment.C": "ADD",
    }
    assert kinds(diff(plugin, old, new)) == expected


def test_becoming_secret_is_a_change(plugin: Plugin) -> None:
    assert kinds(diff(plugin, INPUTS, {**INPUTS, "create": secret("old")})) == {"create": "UPDATE"}


def test_null_is_the_same_as_absent(plugin: Plugin) -> None:
    answer = diff(plugin, INPUTS, {**INPUTS, "stdin": None})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_ignored_changes(plugin: Plugin) -> None:
    answer = diff(plugin, INPUTS, {**INPUTS, "create": "new"}, ignore=("create",))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_inputs_added_by_the_engine_are_ignored(plugin: Plugin) -> None:
    answer = diff(plugin, INPUTS, {**INPUTS, "version": "1", "__internal": "x"})
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_source_is_identified_by_its_digest(plugin: Plugin) -> None:
    old = {"connection": INPUTS["connection"], "remotePath": "/x", "source": file_asset("/a", "1")}
    moved = diff(plugin, old, {**old, "source": file_asset("/b", "1")}, COPY)
    assert moved.changes == provider_pb2.DiffResponse.DIFF_NONE
    changed = diff(plugin, old, {**old, "source": file_asset("/a", "2")}, COPY)
    assert kinds(changed) == {"source": "UPDATE"}


def test_a_local_command_updates_too(plugin: Plugin) -> None:
    answer = diff(plugin, {"create": "old"}, {"create": "new", "dir": "/"}, LOCAL)
    assert kinds(answer) == {"create": "UPDATE", "dir": "ADD"}
    assert not answer.replaces


def test_without_old_inputs_the_state_is_compared() -> None:
    plugin = Plugin()
    try:
        state = {**INPUTS, "stdout": "x", "stderr": ""}
        same = plugin.diff(REMOTE, state, {}, INPUTS)
        assert same.changes == provider_pb2.DiffResponse.DIFF_NONE
        assert kinds(plugin.diff(REMOTE, state, {}, {**INPUTS, "create": "new"})) == {
            "create": "UPDATE"
        }
    finally:
        plugin.stop()
