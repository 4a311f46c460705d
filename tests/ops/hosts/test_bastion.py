"""Looks at hosts behind a bastion, with a real sshd: they share one connection to it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import paramiko
import pytest

from model.fleet import Bastion
from ops.hosts import ssh
from ops.hosts.login import Login
from ops.hosts.shared_connection import SharedConnection
from ops.hosts.ssh import Unreachable, connected
from tests.scripts.command_plugin.sshd import KeyPair, Sshd, make_key

LOGINS = "Accepted publickey"
LOOKS = 24
THREADS = 8


@pytest.fixture
def key() -> KeyPair:
    return make_key()


@pytest.fixture
def host(key: KeyPair, tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "host").mkdir()
    sshd = Sshd(tmp_path / "host", key.public)
    yield sshd
    sshd.stop()


@pytest.fixture
def bastion(key: KeyPair, tmp_path: Path) -> Iterator[Sshd]:
    """A bastion; its limit of sessions is none of streams."""
    (tmp_path / "bastion").mkdir()
    sshd = Sshd(tmp_path / "bastion", key.public, "MaxSessions 1")
    yield sshd
    sshd.stop()


@pytest.fixture
def login(host: Sshd, bastion: Sshd, key: KeyPair) -> Login:
    before = Bastion(bastion.host, bastion.port, bastion.user, bastion.host_key.public)
    return Login(host.host, host.port, host.user, host.host_key.public, key.private, bastion=before)


def look(login: Login) -> str:
    with connected(login) as connection:
        return connection.run("echo seen", (), seconds=20).out


def test_looks_at_hosts_share_one_connection_to_the_bastion(
    login: Login, host: Sshd, bastion: Sshd
) -> None:
    with ThreadPoolExecutor(LOOKS) as pool:
        assert [*pool.map(look, [login] * LOOKS)] == ["seen\n"] * LOOKS
    assert look(login) == "seen\n"
    assert host.log().count(LOGINS) == LOOKS + 1
    assert bastion.log().count(LOGINS) == 1


def test_a_connection_that_died_is_opened_again(login: Login, bastion: Sshd) -> None:
    assert look(login) == "seen\n"
    before = login.bastion_login
    assert before is not None
    transport = ssh._bastion(before)._transport
    assert transport is not None
    transport.sock.close()
    assert look(login) == "seen\n"
    assert bastion.log().count(LOGINS) == 2


def test_a_host_that_does_not_answer_leaves_the_connection_to_others(
    login: Login, bastion: Sshd
) -> None:
    with connected(login) as connection:
        with pytest.raises(Unreachable):
            look(replace(login, port=1))
        assert connection.run("echo seen", (), seconds=20).out == "seen\n"
    assert bastion.log().count(LOGINS) == 1


def test_threads_that_wait_for_a_dead_bastion_share_its_time_out() -> None:
    dials = []
    all_wait = Barrier(THREADS + 1)

    def dial(_deadline: float) -> "paramiko.Transport":
        dials.append(_deadline)
        if len(dials) == 1:
            all_wait.wait()
            time.sleep(0.2)
        raise Unreachable("the bastion is dead")

    shared = SharedConnection(dial)

    def ask(number: int) -> str:
        if number:
            all_wait.wait()
        with pytest.raises(Unreachable) as raised:
            shared.stream(("192.0.2.1", 22), 0)
        return str(raised.value)

    with ThreadPoolExecutor(THREADS + 1) as pool:
        assert {*pool.map(ask, range(THREADS + 1))} == {"the bastion is dead"}
    assert len(dials) == 1
    ask(0)
    assert len(dials) == 2
