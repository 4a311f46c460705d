"""Connections: host keys, authentication, proxies, retries."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.scripts.command_plugin.client import REMOTE, Plugin, urn
from tests.scripts.command_plugin.conftest import Command
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.password_server import PasswordServer
from tests.scripts.command_plugin.sshd import KeyPair, Sshd, make_key
from tests.scripts.command_plugin.values import Properties
from tests.scripts.command_plugin.waiting import Waiting

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

REFUSED = "dial tcp 127.0.0.1:1: connect: connection refused"
PASSWORD = "correct horse"


def output(plugin: Plugin, connection: Properties) -> str:
    """Run a command over a connection; give what it prints."""
    _, state = plugin.create(REMOTE, {"create": "echo here", "connection": connection})
    return str(state["stdout"])


def failure(plugin: Plugin, connection: Properties, name: str = "thing") -> str:
    """Fail to run a command over a connection; say why."""
    with failing() as failed:
        plugin.create(REMOTE, {"create": "echo here", "connection": connection}, name=name)
    return failed.text


def written(
    key: PrivateKey, form: serialization.PrivateFormat = serialization.PrivateFormat.OpenSSH
) -> KeyPair:
    """Write both halves of a key as text."""
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return KeyPair(private.decode(), public.decode())


def without(connection: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in connection.items() if name not in names}


class TestHostKey:
    """The host's identity."""

    def test_a_host_key_mismatch_fails(
        self, plugin: Plugin, host: Sshd, key: KeyPair, tmp_path: Path
    ) -> None:
        connection = host.connection(key, hostKey=make_key().public)
        with failing() as failed:
            inputs = {"create": f"touch {tmp_path}/ran", "connection": connection}
            plugin.create(REMOTE, inputs)
        expected = "after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch"
        assert failed.text == expected
        assert not (tmp_path / "ran").exists()

    def test_a_pinned_key_of_another_type_fails(
        self, plugin: Plugin, host: Sshd, key: KeyPair
    ) -> None:
        public = written(ec.generate_private_key(ec.SECP256R1())).public
        text = failure(plugin, host.connection(key, hostKey=public))
        assert text.startswith("after 2 failed attempts: ssh: handshake failed: ")

    def test_a_pinned_rsa_key_fails(
        self, plugin: Plugin, key: KeyPair, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        # Of RSA keys the release knows SHA-1 signatures only, which sshd makes no more.
        sshd = Sshd(tmp_path, key.public, host_key=written(rsa.generate_private_key(65537, 2048)))
        request.addfinalizer(sshd.stop)
        assert failure(plugin, sshd.connection(key)).startswith(
            "after 2 failed attempts: ssh: handshake failed: ssh: no common algorithm for host "
            "key; we offered: [ssh-rsa]"
        )
        assert output(plugin, without(sshd.connection(key), "hostKey")) == "here"

    def test_a_comment_after_the_pinned_key_is_ignored(
        self, plugin: Plugin, host: Sshd, key: KeyPair
    ) -> None:
        connection = host.connection(key, hostKey=f"{host.host_key.public} root@host\n")
        assert output(plugin, connection) == "here"

    @pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 nonsense", "nonsense"])
    def test_an_invalid_pinned_key_fails(
        self, plugin: Plugin, host: Sshd, key: KeyPair, text: str
    ) -> None:
        found = failure(plugin, host.connection(key, hostKey=text))
        assert found.startswith("failed to parse host key: ssh: no key found")

    def test_without_a_pinned_key_any_host_is_accepted(
        self, plugin: Plugin, host: Sshd, key: KeyPair
    ) -> None:
        assert output(plugin, without(host.connection(key), "hostKey")) == "here"


class TestLogin:
    """Our identity."""

    def test_a_rejected_private_key_fails(self, plugin: Plugin, host: Sshd) -> None:
        assert failure(plugin, host.connection(make_key()), "wrong") == (
            "after 2 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "
            "attempted methods [none publickey], no supported methods remain"
        )
        said = [line.text for line in plugin.log.lines(urn(REMOTE, "wrong"))]
        assert said == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]

    def test_a_login_without_credentials_fails(
        self, plugin: Plugin, host: Sshd, key: KeyPair
    ) -> None:
        found = failure(plugin, without(host.connection(key), "privateKey"))
        assert "attempted methods [none], no supported methods remain" in found

    def test_an_invalid_private_key_fails(self, plugin: Plugin, host: Sshd, key: KeyPair) -> None:
        assert failure(plugin, host.connection(key, privateKey="nonsense")) == "ssh: no key found"

    def test_an_encrypted_private_key(
        self, plugin: Plugin, key: KeyPair, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        locked = make_key("opens it")
        sshd = Sshd(tmp_path, locked.public)
        request.addfinalizer(sshd.stop)
        found = failure(plugin, sshd.connection(locked))
        assert found == "ssh: this private key is passphrase protected"
        found = failure(plugin, sshd.connection(locked, privateKeyPassword="wrong"))
        assert found == "x509: decryption password incorrect"
        assert output(plugin, sshd.connection(locked, privateKeyPassword="opens it")) == "here"

    @pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
    @pytest.mark.parametrize("form", ["TraditionalOpenSSL", "PKCS8", "OpenSSH"])
    def test_other_types_and_formats_of_keys(
        self,
        plugin: Plugin,
        tmp_path: Path,
        request: pytest.FixtureRequest,
        kind: str,
        form: str,
    ) -> None:
        private: PrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "ecdsa"
            else rsa.generate_private_key(65537, 2048)
        )
        pair = written(private, getattr(serialization.PrivateFormat, form))
        sshd = Sshd(tmp_path, pair.public)
        request.addfinalizer(sshd.stop)
        assert output(plugin, sshd.connection(pair)) == "here"

    def test_an_agent(self, plugin: Plugin, host: Sshd, key: KeyPair, agent: Path) -> None:
        connection = without(host.connection(key), "privateKey")
        assert output(plugin, {**connection, "agentSocketPath": str(agent)}) == "here"

    def test_an_agent_from_the_environment(self, host: Sshd, key: KeyPair, agent: Path) -> None:
        plugin = Plugin(environment={"SSH_AUTH_SOCK": str(agent)})
        try:
            assert output(plugin, without(host.connection(key), "privateKey")) == "here"
        finally:
            plugin.stop()

    def test_a_missing_agent_fails(self, plugin: Plugin, host: Sshd, key: KeyPair) -> None:
        found = failure(plugin, host.connection(key, agentSocketPath="/nowhere"))
        assert found == "dial unix /nowhere: connect: no such file or directory"

    @pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
    def test_a_password(self, plugin: Plugin, method: str) -> None:
        with PasswordServer(method, PASSWORD) as server:
            assert output(plugin, server.connection(PASSWORD)) == "here"
            assert "ssh: handshake failed: " in failure(plugin, server.connection("wrong"))

    @pytest.fixture
    def agent(self, key: KeyPair, tmp_path: Path) -> Iterator[Path]:
        """Give the socket of an agent that has the key."""
        file, socket = tmp_path / "key", tmp_path / "agent"
        file.touch(mode=0o600)
        file.write_text(key.private)
        found = shutil.which("ssh-agent")
        assert found, "no ssh-agent on this host: install openssh-client"
        with subprocess.Popen(
            [found, "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                # It says where it listens as soon as it does.
                assert process.stdout is not None
                assert process.stdout.readline()
                environment = {"SSH_AUTH_SOCK": str(socket)}
                subprocess.run(["ssh-add", "-q", str(file)], env=environment, check=True)
                yield socket
            finally:
                process.terminate()


class TestDialing:
    """Trying again."""

    @pytest.mark.parametrize("limit", [0, 3])
    def test_dialing_stops_at_the_error_limit(
        self, plugin: Plugin, host: Sshd, key: KeyPair, limit: int
    ) -> None:
        connection = host.connection(key, port=1, dialErrorLimit=limit)
        name = f"limit-{limit}"
        found = failure(plugin, connection, name)
        assert found == f"after {limit} failed attempts: {REFUSED}"
        said = [line.text for line in plugin.log.lines(urn(REMOTE, name))]
        assert said == [f"Dial {n}/{limit} failed: retrying" for n in range(1, limit + 1)]

    def test_dialing_without_a_limit_stops_at_the_timeout(
        self, plugin: Plugin, command: Command
    ) -> None:
        inputs = command("true")
        inputs["connection"] |= {"port": 1, "dialErrorLimit": -1}
        with failing() as failed:
            plugin.create(REMOTE, inputs, name="unlimited", timeout=1)
        assert failed.text == "context deadline exceeded"
        first = plugin.log.lines(urn(REMOTE, "unlimited"))[0]
        assert first.text == "Dial 1/inf failed: retrying"

    def test_a_host_that_comes_up_later_is_reached(
        self, plugin: Plugin, key: KeyPair, tmp_path: Path
    ) -> None:
        first = Sshd(tmp_path, key.public)
        connection = first.connection(key, dialErrorLimit=-1)
        first.stop()
        with Waiting(plugin, connection) as waiting:
            plugin.log.wait_for("failed: retrying", urn=urn(REMOTE, waiting.name), timeout=20)
            second = Sshd(tmp_path, key.public, port=first.port, host_key=first.host_key)
            try:
                assert waiting.output() == "here"
            finally:
                second.stop()

    def test_an_unknown_name(self, plugin: Plugin, host: Sshd, key: KeyPair) -> None:
        found = failure(plugin, host.connection(key, host="host.invalid", dialErrorLimit=0))
        assert found.startswith("after 0 failed attempts: dial tcp: lookup host.invalid")


class TestProxy:
    """A bastion in front of the host."""

    def test_a_command_through_the_proxy(
        self, plugin: Plugin, host: Sshd, bastion: Sshd, key: KeyPair
    ) -> None:
        connection = host.connection(key, proxy=bastion.connection(key))
        before = bastion.log().count("Accepted publickey")
        assert output(plugin, connection) == "here"
        assert bastion.log().count("Accepted publickey") == before + 1

    def test_a_proxy_that_refuses_connections(
        self, plugin: Plugin, host: Sshd, bastion: Sshd, key: KeyPair
    ) -> None:
        connection = host.connection(key, proxy=bastion.connection(key, port=1))
        assert failure(plugin, connection, "no-proxy") == (
            f"proxy: after 2 failed attempts: {REFUSED}"
        )
        said = [line.text for line in plugin.log.lines(urn(REMOTE, "no-proxy"))]
        assert said == [f"Dial proxy {n}/2 failed: retrying" for n in (1, 2)]

    def test_a_proxy_with_another_host_key(
        self, plugin: Plugin, host: Sshd, bastion: Sshd, key: KeyPair
    ) -> None:
        proxy = bastion.connection(key, hostKey=host.host_key.public)
        assert failure(plugin, host.connection(key, proxy=proxy)) == (
            "proxy: after 2 failed attempts: ssh: handshake failed: ssh: host key mismatch"
        )

    def test_a_host_behind_the_proxy_that_refuses(
        self, plugin: Plugin, host: Sshd, bastion: Sshd, key: KeyPair
    ) -> None:
        connection = host.connection(key, port=1, proxy=bastion.connection(key))
        assert failure(plugin, connection, "behind") == (
            "proxy: after 2 failed attempts: ssh: rejected: connect failed (Connection refused)"
        )
        said = [line.text for line in plugin.log.lines(urn(REMOTE, "behind"))]
        assert said == [f"Dial from proxy {n}/2 failed: retrying" for n in (1, 2)]

    def test_a_host_behind_the_proxy_with_another_key(
        self, plugin: Plugin, host: Sshd, bastion: Sshd, key: KeyPair
    ) -> None:
        proxy = bastion.connection(key)
        found = failure(plugin, host.connection(key, hostKey=make_key().public, proxy=proxy))
        # The release tells of the last attempt, on a connection that the first used up.
        assert found.startswith("proxy: after 2 failed attempts: ssh: handshake failed: ")
