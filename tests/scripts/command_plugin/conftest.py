"""A host, a bastion before it, and a plugin."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.command_plugin.client import Plugin
from tests.scripts.command_plugin.sshd import KeyPair, Sshd, make_key

# A command's properties, checked, on the host.
Command = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def key() -> KeyPair:
    """The key that the host and the bastion let in."""
    return make_key()


@pytest.fixture(scope="session")
def host(key: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A host that accepts some variables."""
    directory = tmp_path_factory.mktemp("host")
    sshd = Sshd(directory, key.public, "AcceptEnv FLEET_* PULUMI_COMMAND_*")
    yield sshd
    sshd.stop()


@pytest.fixture(scope="session")
def bastion(key: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A second host, which accepts no variables."""
    sshd = Sshd(tmp_path_factory.mktemp("bastion"), key.public)
    yield sshd
    sshd.stop()


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """The plugin under test, configured."""
    running = Plugin()
    running.configure()
    yield running
    running.stop()


@pytest.fixture
def command(host: Sshd, key: KeyPair) -> Command:
    """Makes the inputs of a remote command."""

    def make(create: str | None = None, **more: Any) -> dict[str, Any]:
        inputs = {"connection": host.connection(key), **more}
        return inputs if create is None else {"create": create, **inputs}

    return make


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A directory tree to copy."""
    top = tmp_path / "sources"
    (top / "one" / "two").mkdir(parents=True)
    (top / "first").write_text("1")
    (top / "one" / "second").write_bytes(bytes(range(256)) * 4096)
    (top / "one" / "two" / "third").write_text("grüße\n")
    return top
