"""A host, a bastion before it, and the key to both; a checkout."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.kube.api_server import api as api
from tests.scripts.throwaway import Clone
from tests.sshd import KeyPair, Sshd, make_key


@pytest.fixture(scope="session")
def key() -> KeyPair:
    """The key that both let in."""
    return make_key()


@pytest.fixture(scope="session")
def host(key: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A host."""
    sshd = Sshd(tmp_path_factory.mktemp("host"), key.public)
    yield sshd
    sshd.stop()


@pytest.fixture(scope="session")
def bastion(key: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A second one."""
    sshd = Sshd(tmp_path_factory.mktemp("bastion"), key.public)
    yield sshd
    sshd.stop()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A checkout with a state folder of its own, and a program that needs no machines."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return Clone.make(tmp_path / "clone", tmp_path / "state", TMPDIR=str(temporary))
