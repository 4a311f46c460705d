"""Composed scripts of operations: functions and settings."""

import pytest

from model.render.node_scripts import compose, source
from ops.hosts.operations import OPERATIONS

SETTINGS = {
    "NODE_NAME": "node",
    "MACHINE_ID": "m",
    "NODE_ADDRESS": "192.0.2.1",
    "KUBERNETES_VERSION": "v1.37.2",
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation_is_a_function_of_its_own_files(name: str) -> None:
    lines = source(OPERATIONS[name].script).splitlines()
    assert lines.count(f"{name}() {{") == 1


def test_settings_come_first_and_quoted() -> None:
    odd = {**SETTINGS, "NODE_NAME": "it's; rm -rf /"}
    text = compose(OPERATIONS["clean"].script, odd)
    assert text.splitlines()[2:4] == [
        "NODE_ADDRESS=192.0.2.1",
        """NODE_NAME='it'"'"'s; rm -rf /'""",
    ]
