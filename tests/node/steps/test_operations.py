"""Operations as text: each is whole, takes what it says, and passes the same checks as a step."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.hosts.operations import OPERATIONS, text_of

SETTINGS = {"NODE_NAME": "node", "NODE_ADDRESS": "192.0.2.1", "KUBERNETES_VERSION": "v1.37.2"}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_operation_is_a_function_of_its_own_files(name: str) -> None:
    lines = text_of(OPERATIONS[name], {}).decode().splitlines()
    assert lines.count(f"{name}() {{") == 1


@pytest.mark.parametrize("parts", sorted({each.parts for each in OPERATIONS.values()}))
def test_whole_operation_passes_shellcheck(parts: tuple[str, ...]) -> None:
    operation = next(each for each in OPERATIONS.values() if each.parts == parts)
    shellcheck = Path(sys.executable).parent / "shellcheck"
    found = subprocess.run(
        [str(shellcheck), "--shell=bash", "--exclude=SC2154", "-"],
        input=text_of(operation, {}).decode(),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_function_is_defined_twice(name: str) -> None:
    """A later file would silently replace what an earlier one means by the name."""
    lines = text_of(OPERATIONS[name], {}).decode().splitlines()
    functions = [line for line in lines if line.endswith("() {") and not line.startswith(" ")]
    assert sorted(functions) == sorted(set(functions))


def test_settings_come_first_and_quoted() -> None:
    odd = {**SETTINGS, "NODE_NAME": "it's; rm -rf /"}
    text = text_of(OPERATIONS["clean"], odd).decode()
    assert text.splitlines()[1:3] == [
        "NODE_ADDRESS=192.0.2.1",
        """NODE_NAME='it'"'"'s; rm -rf /'""",
    ]
