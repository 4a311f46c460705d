"""A real OpenSSH server on loopback with keys and a configuration of its own."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

START_SECONDS = 10
ATTEMPTS = 5
# Where sshd puts a process without rights; a distribution makes it when it starts its own sshd.
PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class KeyPair:
    """An SSH key: both halves in OpenSSH's text form."""

    private: str
    public: str


def make_key() -> KeyPair:
    """Make an Ed25519 key."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return KeyPair(private.decode(), public.decode())


class Sshd:
    """One running server, which accepts the given key."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, authorized: str, *options: str) -> None:
        self.user = getpass.getuser()
        self.host_key = make_key()
        self._directory = directory
        self._log = directory / "log"
        self._made_separation = os.geteuid() == 0 and not PRIVILEGE_SEPARATION.exists()
        if self._made_separation:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755)
        _write_private(directory / "host_key", self.host_key.private)
        _write_private(directory / "authorized_keys", authorized + "\n")
        for _ in range(ATTEMPTS):
            self.port = _free_port()
            self._process = self._start(options)
            if self._answers():
                return
        self.stop()
        raise AssertionError(f"sshd did not start: {self._log.read_text()}")

    def stop(self) -> None:
        """End the server and what it serves."""
        self._process.terminate()
        self._process.wait()
        if self._made_separation:
            PRIVILEGE_SEPARATION.rmdir()

    def log(self) -> str:
        """Give what the server wrote about its connections."""
        return self._log.read_text()

    def _start(self, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
        configuration = self._directory / "sshd_config"
        lines = [
            f"ListenAddress {self.host}:{self.port}",
            f"HostKey {self._directory / 'host_key'}",
            f"AuthorizedKeysFile {self._directory / 'authorized_keys'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "MaxStartups 500",
            "LogLevel VERBOSE",
            # Ignore the start-up files of the user who runs the tests.
            f"SetEnv HOME={self._directory}",
            *options,
        ]
        configuration.write_text("\n".join(lines) + "\n")
        found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert found, "no sshd on this host: install openssh-server"
        return subprocess.Popen([found, "-D", "-E", str(self._log), "-f", str(configuration)])

    def _answers(self) -> bool:
        """Wait for the server to greet; false when it ended, because its port was taken."""
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None:
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return True
            except OSError:
                assert time.monotonic() < deadline, f"sshd is silent: {self._log.read_text()}"
                time.sleep(0.01)
        return False


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((Sshd.host, 0))
        port: int = probe.getsockname()[1]
        return port
