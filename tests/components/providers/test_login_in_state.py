"""Logins in inputs of dynamic resources and in stack outputs, with the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.hosts.inventory import Inventory
from tests.components.providers.source import FAIL
from tests.small_stack import Stack

pytestmark = pytest.mark.slow

SECRETS = ("only the key", "only the password")
PROGRAM = f"""
import pulumi

from components import inventory
from components.login import MachineLogin
from model.machine import Bastion, Machine
from ops.hosts.login import Login
from tests.components.providers.source import Source, SourceArgs

host = Source("host", SourceArgs(value=pulumi.Config().require("value")))
login = MachineLogin(
    Login("192.0.2.1", 22, "ubuntu", sudo=True, bastion=Bastion("192.0.2.9", 22, "jump", None)),
    {{
        "private_key": pulumi.Output.from_input("{SECRETS[0]}"),
        "sudo_password": pulumi.Output.from_input("{SECRETS[1]}"),
        "host_key": host.given,
    }},
)
Source("source", SourceArgs(value=login.to_props()))
machine = Machine("one-worker-0", "one", "worker", "worker", "192.0.2.1", None, {{}}, (), {{}})
pulumi.export("inventory", {{"one": {{machine.name: inventory.entry(machine, "any", login)}}}})
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, made; a failure does not stop a run."""
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(value="first")
    made = stack.up()
    assert made.status == 0, made.output
    return stack


def test_only_secrets_of_a_login_are_encrypted_and_it_is_stable(stack: Stack) -> None:
    assert stack.up().steps() == {}
    for kept in _login(stack, "inputs"), _login(stack, "outputs"):
        assert (kept["host"], kept["bastion"]["user"]) == ("192.0.2.1", "jump")
        assert "ciphertext" in kept["private_key"]
        assert "ciphertext" in kept["sudo_password"]
    assert not any(secret in json.dumps(stack.outputs()) for secret in SECRETS)


def test_the_inventory_survives_a_machine_that_was_not_created(stack: Stack) -> None:
    stack.configure(value=FAIL)
    assert stack.up().status != 0
    machine = Inventory(stack.outputs("--show-secrets")["inventory"]).machine("one-worker-0")
    assert (machine.address, machine.driver) == ("192.0.2.1", "any")
    assert machine.known_login is None


def _login(stack: Stack, where: str) -> dict[str, Any]:
    resources = json.loads(stack.state())["deployment"]["resources"]
    source = next(each for each in resources if each["urn"].endswith("::source"))
    value: dict[str, Any] = source[where]["value"]
    return value
