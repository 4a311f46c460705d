"""The login type: its repr, and its conversion to and from a resource's inputs."""

import json
from dataclasses import replace

import pytest

from model.load import load
from model.machine import Bastion, ExistingSettings
from ops.hosts.login import SECRET_FIELDS, Login
from tests.model.examples import EXISTING

KEY = "ssh-ed25519 AAAA"
PLAIN = Login("192.0.2.1", 22, "root")
FULL = Login(
    host="192.0.2.1",
    port=2200,
    user="ubuntu",
    host_key=KEY,
    private_key="a private key",
    sudo=True,
    sudo_password="a password",
    bastion=Bastion("192.0.2.9", 22, "jump", KEY),
)


@pytest.mark.parametrize("login", [PLAIN, FULL, replace(FULL, bastion=None)])
def test_a_login_survives_the_round_trip_through_props(login: Login) -> None:
    props = json.loads(json.dumps(login.to_props()), parse_int=float)
    assert Login.from_props(props) == login
    assert isinstance(Login.from_props(props).port, int)


def test_props_contain_no_nulls() -> None:
    unpinned = replace(FULL, bastion=Bastion("192.0.2.9", 22, "jump", None), sudo_password=None)
    assert "null" not in json.dumps(unpinned.to_props())
    assert Login.from_props(unpinned.to_props()) == unpinned


def test_no_secret_is_shown() -> None:
    assert SECRET_FIELDS == ("private_key", "sudo_password")
    for text in (repr(FULL), str(FULL), repr(FULL.bastion_login)):
        assert "a private key" not in text
        assert "a password" not in text
    assert str(FULL) == "ubuntu@192.0.2.1:2200 through jump@192.0.2.9:22"


def test_the_bastion_login_uses_the_private_key() -> None:
    assert FULL.bastion_login == Login("192.0.2.9", 22, "jump", KEY, "a private key")
    assert PLAIN.bastion_login is None


def test_a_login_takes_all_settings_of_the_config() -> None:
    settings = load(EXISTING).clusters[0].machines[0].settings
    assert isinstance(settings, ExistingSettings)
    login = Login.from_settings(settings)
    assert (login.user, login.sudo, login.bastion) == ("ubuntu", True, settings.bastion)
    assert (login.host, login.port, login.host_key) == (
        settings.host,
        settings.port,
        settings.host_key,
    )
    assert not any(getattr(login, name) for name in SECRET_FIELDS)


def test_a_login_is_pinned_if_every_hop_has_a_host_key() -> None:
    without = Bastion("192.0.2.9", 22, "jump", None)
    assert FULL.is_pinned
    assert replace(FULL, bastion=None).is_pinned
    assert not replace(FULL, bastion=without).is_pinned
    assert not replace(FULL, host_key=None).is_pinned
