"""`fleet hosts scan` against real servers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from model.config.machines import HostLabel
from model.ssh_keys import parse_host_key
from ops.hosts.login import Login
from scripts.fleet.__main__ import cli
from scripts.fleet.host_scan import labels_of
from tests.scripts.conftest import TOP
from tests.sshd import KeyPair, Sshd

Capture = pytest.CaptureFixture[str]


def scan(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["hosts", "scan", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def generate(folder: Path, kind: str) -> Path:
    """Make a host key as a distribution does."""
    file = folder / f"ssh_host_{kind}_key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(file)], check=True)
    return file


def listed(file: Path) -> str:
    """The key's size and fingerprint as ssh-keygen prints them."""
    command = ["ssh-keygen", "-lf", f"{file}.pub"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return " ".join(shown.split()[:2])


def server(folder: Path, *kinds: str) -> Sshd:
    """A server that has these keys besides an Ed25519 one."""
    keys = [generate(folder, kind) for kind in kinds]
    return Sshd(folder, "", *(f"HostKey {key}" for key in keys))


def test_fingerprints_are_shown_in_the_format_of_ssh_keygen_and_one_key_is_printed(
    tmp_path: Path,
) -> None:
    sshd = server(tmp_path, "ecdsa", "rsa")
    # In a process of its own: what a library logs is printed there, and not in pytest's.
    command = [sys.executable, "-m", "scripts.fleet", "hosts", "scan", f"127.0.0.1:{sshd.port}"]
    try:
        shown = subprocess.run(command, cwd=TOP, capture_output=True, text=True)
    finally:
        sshd.stop()
    assert shown.returncode == 0, shown.stderr
    ((name, host),) = yaml.safe_load(shown.stdout)["hosts"].items()
    assert name == "host-127-0-0-1"
    assert host == {"address": "127.0.0.1", "port": sshd.port, "hostKey": sshd.host_key.public}
    parse_host_key(host["hostKey"])
    (tmp_path / "shown.pub").write_text(sshd.host_key.public)
    assert shown.stderr.splitlines()[:2] == [
        f"{listed(tmp_path / 'shown')} [127.0.0.1]:{sshd.port} (ED25519)",
        f"{listed(tmp_path / 'ssh_host_ecdsa_key')} [127.0.0.1]:{sshd.port} (ECDSA)",
    ]
    assert "Compare each fingerprint" in shown.stderr
    assert "RSA" not in shown.stderr


def test_unreachable_hosts_are_named_and_the_others_are_printed(host: Sshd, capfd: Capture) -> None:
    assert scan("--port", "1", "127.0.0.1", f"127.0.0.1:{host.port}") == 2
    shown = capfd.readouterr()
    assert "127.0.0.1:1 cannot be reached" in shown.err
    assert [each["port"] for each in yaml.safe_load(shown.out)["hosts"].values()] == [host.port]


@pytest.mark.parametrize(
    ("hosts", "labels"),
    [
        ([("10.0.1.11", 22), ("Rack1-A.example.com", 22)], ["host-10-0-1-11", "rack1-a"]),
        ([("a.one.example", 22), ("a.two.example", 22)], ["a-one-example", "a-two-example"]),
        ([("a.example", 2201), ("a.example", 2202)], ["a-example-2201", "a-example-2202"]),
    ],
)
def test_hosts_are_named_so_that_the_output_is_config(
    hosts: list[tuple[str, int]], labels: list[str]
) -> None:
    assert labels_of([Login(*host, user="") for host in hosts]) == labels
    for label in labels:
        TypeAdapter(HostLabel).validate_python(label)


def test_nothing_is_printed_if_no_host_responds(capfd: Capture) -> None:
    assert scan("127.0.0.1:1") == 2
    assert capfd.readouterr().out == ""


@pytest.fixture
def agent(key: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent that holds the key."""
    sock, file = tmp_path / "agent", tmp_path / "key"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    file.touch(mode=0o600)
    file.write_text(key.private)
    while not sock.exists():
        assert process.poll() is None
    subprocess.run(["ssh-add", "-q", str(file)], check=True)
    yield
    process.terminate()
    process.wait()


@pytest.fixture
def known_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, which is not there."""
    file = tmp_path / "known_hosts"
    monkeypatch.setattr("scripts.fleet.host_scan.KNOWN_HOSTS", file)
    return file


@pytest.mark.usefixtures("agent")
def test_a_known_bastion_is_used(
    host: Sshd, bastion: Sshd, known_hosts: Path, capfd: Capture
) -> None:
    known_hosts.write_text(f"[{bastion.host}]:{bastion.port} {bastion.host_key.public}\n")
    way = f"{bastion.user}@{bastion.host}:{bastion.port}"
    assert scan("--bastion", way, f"127.0.0.1:{host.port}") == 0
    assert yaml.safe_load(capfd.readouterr().out) == {
        "ssh": {
            "bastion": {
                "host": bastion.host,
                "port": bastion.port,
                "user": bastion.user,
                "hostKey": bastion.host_key.public,
            }
        },
        "hosts": {
            "host-127-0-0-1": {
                "address": "127.0.0.1",
                "port": host.port,
                "hostKey": host.host_key.public,
            },
        },
    }


@pytest.mark.parametrize("known", [False, True])
def test_an_unknown_bastion_is_rejected_with_its_fingerprint(
    host: Sshd,
    bastion: Sshd,
    known_hosts: Path,
    capfd: Capture,
    monkeypatch: pytest.MonkeyPatch,
    known: bool,
) -> None:
    if known:
        known_hosts.write_text(f"[{bastion.host}]:{bastion.port} {host.host_key.public}\n")
    way = f"{bastion.user}@{bastion.host}:{bastion.port}"
    monkeypatch.setattr("sys.argv", ["fleet", "hosts", "scan", "--bastion", way, "127.0.0.1"])
    from scripts.fleet.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    shown = capfd.readouterr()
    assert ("has another host key than" if known else "is not in") in shown.err
    assert "ssh-ed25519 SHA256:" in shown.err
    assert shown.out == ""
