"""The plugin's version, schema and concurrency."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from tests.scripts.command_plugin.client import COPY, LOCAL, REMOTE, Plugin
from tests.scripts.command_plugin.conftest import Command

MANY = 50


def test_version(plugin: Plugin) -> None:
    assert plugin.information().version.partition("+")[0] == "1.2.1"


def test_configuration(plugin: Plugin) -> None:
    answer = plugin.configure()
    assert answer.acceptSecrets
    assert answer.supportsPreview
    assert answer.acceptResources


def test_schema(plugin: Plugin) -> None:
    schema = json.loads(plugin.schema())
    assert schema["name"] == "command"
    command = schema["resources"][REMOTE]
    assert command["requiredInputs"] == ["connection"]
    assert command["inputProperties"]["triggers"]["replaceOnChanges"] is True
    assert command["inputProperties"]["connection"]["secret"] is True
    assert set(command["required"]) == {"connection", "stdout", "stderr"}
    assert set(schema["resources"][COPY]["requiredInputs"]) == {
        "connection",
        "source",
        "remotePath",
    }
    assert {"interpreter", "dir", "assetPaths", "archivePaths"} < set(
        schema["resources"][LOCAL]["inputProperties"]
    )
    connection = schema["types"]["command:remote:Connection"]["properties"]
    assert connection["port"]["default"] == 22
    assert connection["dialErrorLimit"]["default"] == 10


def test_many_concurrent_commands(plugin: Plugin, command: Command) -> None:
    seconds = 2
    inputs = command(f"sleep {seconds}; echo $$")
    began = time.monotonic()
    with ThreadPoolExecutor(MANY) as threads:
        made = threads.map(
            lambda number: plugin.create(REMOTE, inputs, name=f"many-{number}"), range(MANY)
        )
        printed = {state["stdout"] for _, state in made}
    took = time.monotonic() - began
    assert len(printed) == MANY
    # Four at a time would take 25 s; this leaves room for a busy machine.
    assert took < MANY / 4 * seconds / 2, f"{MANY} commands of {seconds} s took {took:.1f} s"
