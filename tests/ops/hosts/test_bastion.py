"""Looks at hosts behind a bastion, with a real sshd: they reuse connections to it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from model.machine import Bastion
from ops.hosts import ssh
from ops.hosts.bastion_pool import DIALS, BastionPool
from ops.hosts.login import Login
from ops.hosts.ssh import connected
from ops.hosts.ssh_errors import Unreachable
from tests.sshd import KeyPair, Sshd, make_key

LOGINS = "Accepted publickey"
LOOKS = 24
THREADS = 8
ROUNDS = 3


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
    """A bastion; streams are no sessions. Its log shows what it drops."""
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


def test_looks_at_hosts_reuse_connections_to_the_bastion(
    login: Login, host: Sshd, bastion: Sshd
) -> None:
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(THREADS) as pool:
            assert [*pool.map(look, [login] * LOOKS)] == ["seen\n"] * LOOKS
    assert host.log().count(LOGINS) == ROUNDS * LOOKS
    assert bastion.log().count(LOGINS) <= THREADS
    assert "nonexistent channel" not in bastion.log()


def test_looks_one_after_the_other_need_one_connection(login: Login, bastion: Sshd) -> None:
    assert [look(login) for _ in range(3)] == ["seen\n"] * 3
    assert bastion.log().count(LOGINS) == 1


def test_a_connection_that_died_is_not_used_again(login: Login, bastion: Sshd) -> None:
    assert look(login) == "seen\n"
    before = login.bastion_login
    assert before is not None
    ((transport, _),) = ssh._bastion(before)._used
    transport.sock.close()
    assert look(login) == "seen\n"
    assert bastion.log().count(LOGINS) == 2


def test_a_host_that_does_not_answer_does_not_harm_others(login: Login) -> None:
    with connected(login) as connection:
        with pytest.raises(Unreachable):
            look(replace(login, port=1))
        assert connection.run("echo seen", (), seconds=20).out == "seen\n"


def test_threads_that_wait_for_a_dead_bastion_share_its_time_out() -> None:
    dials = []

    def dial(_deadline: float) -> "paramiko.Transport":
        dials.append(_deadline)
        time.sleep(0.3)
        raise Unreachable("the bastion is dead")

    pool = BastionPool(dial)

    def ask(_number: int) -> str:
        with pytest.raises(Unreachable) as raised:
            pool.stream(("192.0.2.1", 22), 0)
        return str(raised.value)

    with ThreadPoolExecutor(4 * DIALS) as threads:
        assert {*threads.map(ask, range(4 * DIALS))} == {"the bastion is dead"}
    assert len(dials) == DIALS
    ask(0)
    assert len(dials) == DIALS + 1
