"""Executing a resource's operations: from the old state to the new one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scripts.command_plugin import local_command, remote_command
from scripts.command_plugin.copy_to_remote import copy
from scripts.command_plugin.resources import COPY, LOCAL_COMMAND, REMOTE_COMMAND, Resource
from scripts.command_plugin.running_operation import RunningOperation
from scripts.command_plugin.values import Properties, reveal

# Runs a command according to revealed properties, and returns its results.
Run: TypeAlias = Callable[[str, Mapping[str, Any], RunningOperation], Properties]

_RUN: dict[str, Run] = {REMOTE_COMMAND: remote_command.run, LOCAL_COMMAND: local_command.run}
_NO_OUTPUT = {"stdout": "", "stderr": ""}


def apply(
    resource: Resource, inputs: Properties, old: Properties | None, operation: RunningOperation
) -> Properties:
    """Bring a resource from its old state (None at first) to its inputs; return the new state."""
    revealed = reveal(inputs)
    if resource is COPY:
        before = reveal(old) if old is not None else {}
        if any(revealed[name] != before.get(name) for name in ("source", "remotePath")):
            copy(revealed, operation)
        return inputs
    command = revealed.get("create")
    results: Properties = dict(_NO_OUTPUT)
    if old is not None:
        results = {name: reveal(old[name]) for name in resource.derived if name in old}
        if revealed.get("update") is not None:
            command = revealed["update"]
    if command is not None:
        results |= _RUN[resource.token](command, {**revealed, **results}, operation)
    return {**inputs, **results}


def delete(resource: Resource, state: Properties, operation: RunningOperation) -> None:
    """Run the delete command of a command's state."""
    revealed = reveal(state)
    if revealed.get("delete") is not None:
        _RUN[resource.token](revealed["delete"], revealed, operation)
