"""Check: rejected inputs, defaults and secrets."""

from typing import Any

import pytest

from tests.scripts.command_plugin.client import COPY, LOCAL, REMOTE, Plugin
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.values import (
    SECRET,
    SIGNATURE,
    UNKNOWN,
    file_archive,
    file_asset,
    from_struct,
    reveal,
    secret,
    text_asset,
)

DEFAULTS = {"port": 22, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}


def refusals(plugin: Plugin, token: str, inputs: dict[str, Any]) -> dict[str, str]:
    return {each.property: each.reason for each in plugin.check(token, inputs).failures}


def test_defaults_of_a_connection_and_its_proxy(plugin: Plugin) -> None:
    inputs = plugin.checked(REMOTE, {"create": "x", "connection": {"host": "h"}})
    assert inputs == {"create": "x", "connection": secret({"host": "h", **DEFAULTS})}

    proxied = plugin.checked(REMOTE, {"connection": {"host": "h", "proxy": {"host": "b"}}})
    expected = {"host": "h", **DEFAULTS, "proxy": {"host": "b", **DEFAULTS}}
    assert reveal(proxied) == {"connection": expected}


def test_zero_is_not_replaced_by_the_default(plugin: Plugin) -> None:
    given = {"host": "h", "port": 0, "dialErrorLimit": 0, "perDialTimeout": 0, "user": ""}
    assert reveal(plugin.checked(REMOTE, {"connection": given})) == {"connection": given}


def test_keys_and_passwords_are_secret_within_the_secret_connection(plugin: Plugin) -> None:
    given = {"password": "p", "privateKey": "k", "privateKeyPassword": "q"}
    proxy = {"host": "b", "privateKey": "k"}
    inputs = plugin.checked(REMOTE, {"connection": {"host": "h", **given, "proxy": proxy}})
    assert inputs["connection"][SIGNATURE] == SECRET
    connection = inputs["connection"]["value"]
    assert {name: connection[name] for name in given} == {
        name: secret(value) for name, value in given.items()
    }
    assert connection["proxy"]["privateKey"] == secret("k")


def test_inputs_marked_secret_stay_secret(plugin: Plugin) -> None:
    inputs = {"create": secret("x"), "environment": {"A": secret("b")}, "triggers": [secret("t")]}
    assert plugin.checked(LOCAL, inputs) == inputs


def test_unknown_values_are_accepted(plugin: Plugin) -> None:
    inputs = plugin.checked(REMOTE, {"create": UNKNOWN, "connection": {"host": UNKNOWN}})
    assert inputs["create"] == UNKNOWN
    assert inputs["connection"] == secret({"host": UNKNOWN, **DEFAULTS})


def test_an_unknown_connection_stays_unknown(plugin: Plugin) -> None:
    answer = plugin.check(REMOTE, {"create": "x", "connection": UNKNOWN})
    assert not answer.failures
    # An output that has no value yet, and is going to be secret.
    fields = from_struct(answer.inputs)["connection"]
    assert fields["secret"] is True
    assert "value" not in fields


@pytest.mark.parametrize(
    ("inputs", "property", "reason"),
    [
        ({"create": "x"}, "connection", "Missing required field 'connection'"),
        (
            {"create": 1, "connection": {"host": "h"}},
            "create",
            "Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead",
        ),
        (
            {"connection": {"host": "h", "bad": 1}},
            "connection",
            "Unrecognized field 'bad' on 'remote.Connection'",
        ),
        ({"connection": {"port": 1}}, "connection", "host: Missing required field 'host'"),
        (
            {"connection": {"host": "h", "port": "22"}},
            "connection",
            "port: Field 'port' on 'remote.Connection' must be a 'float64'; got 'string' instead",
        ),
        (
            {"connection": "h"},
            "connection",
            "must be a 'remote.Connection'; got 'string' instead",
        ),
        ({"connection": {"host": "h"}, "nope": 1}, "nope", "Unrecognized field 'nope'"),
        (
            {"connection": {"host": "h"}, "environment": {"A": 1}},
            "environment[A] value",
            "must be a 'string'; got 'float64' instead",
        ),
        (
            {"connection": {"host": "h"}, "triggers": "x"},
            "triggers",
            "must be a '[]interface {}'; got 'string' instead",
        ),
    ],
)
def test_rejected_inputs_of_a_remote_command(
    plugin: Plugin, inputs: dict[str, Any], property: str, reason: str
) -> None:
    found = refusals(plugin, REMOTE, inputs)
    assert list(found) == [property]
    assert reason in found[property]


def test_rejected_inputs_of_a_local_command(plugin: Plugin) -> None:
    found = refusals(plugin, LOCAL, {"interpreter": "sh", "dir": 1, "assetPaths": ["a", 1]})
    assert set(found) == {"interpreter", "dir", "assetPaths[1]"}
    assert "must be a '[]string'; got 'string' instead" in found["interpreter"]


def test_secrets_stay_secret_in_rejected_inputs(plugin: Plugin) -> None:
    answer = plugin.check(REMOTE, {"create": 1, "connection": {"host": "h", "password": "p"}})
    connection = from_struct(answer.inputs)["connection"]
    assert connection == secret({"host": "h", "password": secret("p")})


@pytest.mark.parametrize(
    ("source", "property", "reason"),
    [
        (None, "asset", "either asset or archive must be set"),
        (
            {**file_asset("", "d"), "uri": "https://example.com/x"},
            "asset",
            "asset must be a path-based file asset or a text asset",
        ),
        (
            {**file_archive("", "d"), "uri": "https://example.com/x.zip"},
            "archive",
            "archive must be a path to a file or directory",
        ),
    ],
)
def test_rejected_sources_of_a_copy(
    plugin: Plugin, source: Any, property: str, reason: str
) -> None:
    inputs = {"connection": {"host": "h"}, "remotePath": "/x"}
    if source is not None:
        inputs["source"] = source
    assert refusals(plugin, COPY, inputs)[property] == reason


@pytest.mark.parametrize(
    "source", [file_asset("/a", "d"), text_asset("text", "d"), file_archive("/a", "d")]
)
def test_sources_keep_their_digest(plugin: Plugin, source: dict[str, Any]) -> None:
    inputs = {"connection": {"host": "h"}, "remotePath": "/x", "source": source}
    checked = plugin.checked(COPY, inputs)["source"]
    assert {name: checked[name] for name in source} == source


def test_an_unknown_resource_type_is_rejected(plugin: Plugin) -> None:
    with failing() as failed:
        plugin.check("command:remote:Nothing", {})
    assert failed.text == "Resource 'remote:Nothing' not found"
