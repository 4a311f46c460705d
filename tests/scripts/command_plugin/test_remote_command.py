"""Running commands on a real host."""

from pathlib import Path

import pytest

from tests.scripts.command_plugin.client import REMOTE, Plugin
from tests.scripts.command_plugin.conftest import Command
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.sshd import KeyPair, Sshd
from tests.scripts.command_plugin.values import from_struct, reveal, secret

LONG_LINE = 200_000  # Well over the 64 KiB that a scanner of lines likes.


def test_create(plugin: Plugin, command: Command) -> None:
    inputs = command("echo out; echo err >&2")
    number, state = plugin.create(REMOTE, inputs, name="made")
    assert number.startswith("made")
    assert len(number) == len("made") + 8
    # One newline at the end is the shell's, and is taken off.
    assert state == {**inputs, "stdout": "out", "stderr": "err"}


def test_only_one_trailing_newline_is_removed(plugin: Plugin, command: Command) -> None:
    _, state = plugin.create(REMOTE, command(r"printf 'a\n\n'; printf 'b' >&2"))
    assert (state["stdout"], state["stderr"]) == ("a\n", "b")


def test_create_without_a_command(plugin: Plugin, command: Command) -> None:
    inputs = command(delete="false")
    _, state = plugin.create(REMOTE, inputs)
    assert state == {**inputs, "stdout": "", "stderr": ""}


def test_update_runs_update_or_else_create(plugin: Plugin, command: Command) -> None:
    old = {**command("echo old"), "stdout": "old", "stderr": ""}
    assert plugin.update(REMOTE, old, command("echo new"))["stdout"] == "new"
    both = command("echo new", update="echo updated")
    assert plugin.update(REMOTE, old, both)["stdout"] == "updated"
    assert plugin.update(REMOTE, old, command())["stdout"] == "old"


def test_delete(plugin: Plugin, command: Command, tmp_path: Path) -> None:
    made = tmp_path / "made"
    inputs = command(f"touch {made}", delete=f"rm {made}")
    _, state = plugin.create(REMOTE, inputs)
    assert made.exists()
    plugin.delete(REMOTE, state)
    assert not made.exists()


def test_delete_without_a_command(plugin: Plugin, command: Command) -> None:
    nowhere = {"host": "127.0.0.1", "port": 1, "user": "u", "perDialTimeout": 1}
    plugin.delete(REMOTE, {**command("true"), "connection": nowhere, "stdout": "", "stderr": ""})


def test_read_gives_the_state_back(plugin: Plugin, command: Command) -> None:
    inputs = command("echo x")
    state = {**inputs, "stdout": "x", "stderr": ""}
    answer = plugin.read(REMOTE, state, inputs)
    assert answer.id == "thing1"
    assert from_struct(answer.properties) == state
    assert from_struct(answer.inputs) == inputs


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_failing_command(plugin: Plugin, command: Command, operation: str) -> None:
    script = "echo out; echo 'err \"q\" ü' >&2; exit 3"
    inputs = command(**{operation: script})
    state = {**inputs, "stdout": "", "stderr": ""}
    with failing() as failed:
        match operation:
            case "create":
                plugin.create(REMOTE, inputs)
            case "update":
                plugin.update(REMOTE, state, inputs)
            case _:
                plugin.delete(REMOTE, state)
    first, *printed = failed.text.split("\n")
    # Escaped as Go does it.
    quoted = script.replace('"', '\\"')
    assert first == f'Process exited with status 3: running "{quoted}":'
    assert sorted(printed) == ["", 'err "q" ü', "out"]


def test_a_killed_command(plugin: Plugin, command: Command) -> None:
    with failing() as failed:
        plugin.create(REMOTE, command("kill -9 $$"))
    assert failed.text == 'Process exited with status 137 from signal KILL: running "kill -9 $$":\n'


def test_a_multi_line_command_is_quoted_in_its_failure(plugin: Plugin, command: Command) -> None:
    with failing() as failed:
        plugin.create(REMOTE, command("echo out\t\x01\nfalse"))
    assert failed.text.startswith(r'Process exited with status 1: running "echo out\t\x01\nfalse":')


def test_unicode(plugin: Plugin, command: Command) -> None:
    text = "grüße 世界 🚀"
    _, state = plugin.create(REMOTE, command(f"echo '{text}'; cat >&2", stdin=text))
    assert (state["stdout"], state["stderr"]) == (text, text)


def test_a_very_long_line(plugin: Plugin, command: Command) -> None:
    script = f"head -c {LONG_LINE} /dev/zero | tr '\\0' x"
    # The release never comes back from such a line while it logs.
    _, state = plugin.create(REMOTE, command(script, logging="none"))
    assert state["stdout"] == "x" * LONG_LINE


def test_much_output_on_both_streams(plugin: Plugin, command: Command) -> None:
    _, state = plugin.create(REMOTE, command("seq 200000; seq 200000 >&2", logging="none"))
    lines = [str(number) for number in range(1, 200_001)]
    assert state["stdout"].split("\n") == state["stderr"].split("\n") == lines


def test_stdin(plugin: Plugin, command: Command) -> None:
    _, state = plugin.create(REMOTE, command("cat", stdin="a b\nc"))
    assert state["stdout"] == "a b\nc"


def test_much_stdin(plugin: Plugin, command: Command) -> None:
    # More than fits into any buffer on the way, in both directions at once.
    text = "0123456789abcdef" * 500_000
    _, state = plugin.create(REMOTE, command("cat", stdin=text, logging="none"))
    assert state["stdout"] == text


def test_unread_stdin(plugin: Plugin, command: Command) -> None:
    _, state = plugin.create(REMOTE, command("echo done", stdin="x" * 100_000))
    assert state["stdout"] == "done"


def test_without_stdin_a_reader_sees_its_end(plugin: Plugin, command: Command) -> None:
    _, state = plugin.create(REMOTE, command("cat; echo done"))
    assert state["stdout"] == "done"


def test_accepted_environment(plugin: Plugin, command: Command) -> None:
    environment = {"FLEET_A": "x  y", "FLEET_B": "ü'\""}
    inputs = command('echo "$FLEET_A|$FLEET_B"', environment=environment)
    _, state = plugin.create(REMOTE, inputs)
    assert state["stdout"] == "x  y|ü'\""
    assert state["environment"] == environment


def test_rejected_environment(plugin: Plugin, command: Command, tmp_path: Path) -> None:
    inputs = command(f"touch {tmp_path}/ran", environment={"OTHER": "x"})
    with failing() as failed:
        plugin.create(REMOTE, inputs, name="refused")
    assert failed.text == 'could not set environment variable "OTHER": ssh: setenv failed'
    line = plugin.log.wait_for("Unable to set 'OTHER'", urn=_urn("refused"), timeout=10)
    assert line.severity == "error"
    assert "AcceptEnv" in line.text
    assert not (tmp_path / "ran").exists()


def test_previous_output_in_the_environment(plugin: Plugin, command: Command) -> None:
    show = 'echo "$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR"'
    old = {**command("echo"), "stdout": "before", "stderr": "error"}
    assert plugin.update(REMOTE, old, command(show))["stdout"] == "before|error"
    without = command(show, addPreviousOutputInEnv=False)
    assert plugin.update(REMOTE, old, without)["stdout"] == "|"
    with failing() as failed:
        plugin.delete(REMOTE, {**old, "delete": f"{show}; false"})
    assert failed.text.endswith("before|error\n")


def test_rejected_previous_output_is_only_a_warning(
    plugin: Plugin, bastion: Sshd, key: KeyPair
) -> None:
    inputs = {"create": 'echo "<$PULUMI_COMMAND_STDOUT>"', "connection": bastion.connection(key)}
    old = {**inputs, "stdout": "before", "stderr": ""}
    assert plugin.update(REMOTE, old, inputs, name="warned")["stdout"] == "<>"
    text = "Unable to set 'PULUMI_COMMAND_STDOUT'"
    assert plugin.log.wait_for(text, urn=_urn("warned"), timeout=10).severity == "warning"


def test_secret_inputs_are_used_and_stay_secret(plugin: Plugin, command: Command) -> None:
    inputs = command()
    inputs |= {"create": secret("cat"), "stdin": secret("hidden")}
    inputs["connection"] = secret(inputs["connection"])
    inputs["triggers"] = [1, secret("t")]
    _, state = plugin.create(REMOTE, inputs)
    # What is printed is not secret by itself: the program says additional_secret_outputs.
    assert state == {**inputs, "stdout": "hidden", "stderr": ""}
    assert reveal(state["stdin"]) == "hidden"


def test_binary_output_fails(plugin: Plugin, command: Command) -> None:
    with failing() as failed:
        plugin.create(REMOTE, command(r"printf 'a\377b'", logging="none"))
    assert "string field contains invalid UTF-8" in failed.text


def test_unchecked_inputs_fail(plugin: Plugin, command: Command) -> None:
    with failing() as failed:
        plugin.create(REMOTE, {**command("true"), "create": 1})
    assert failed.text.startswith("invalid inputs: 1 failures decoding:\n\tcreate: Field 'create'")


def test_an_invalid_state_fails(plugin: Plugin, command: Command) -> None:
    state = {**command("true"), "stdout": "", "unheard": 1}
    with failing() as failed:
        plugin.update(REMOTE, state, command("true"))
    assert "stderr: Missing required field 'stderr' on 'remote.CommandOutputs'" in failed.text
    assert "unheard: Unrecognized field 'unheard' on 'remote.CommandOutputs'" in failed.text


def _urn(name: str) -> str:
    return f"urn:pulumi:test::conformance::{REMOTE}::{name}"
