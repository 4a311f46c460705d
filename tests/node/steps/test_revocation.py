"""scripts/node/revocation.sh: one person's CA leaves the file, and nothing else does."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from model.people import authority_name
from model.pki import certificates
from model.pki.client_authorities import bundle
from ops.wait import wait_until
from tests.node.steps.disk import Disk

FILE = "etc/kubernetes/pki/clients/ca.crt"
CLUSTER, ALICE, BOB, CAROL = (
    certificates.new_authority(name, timedelta(days=10))
    for name in ("kubernetes", *map(authority_name, ("alice", "bob", "carol")))
)
NOBODY = "NODE_ADDRESS=127.0.0.1\nAPI_PORT=1"


def accepting(disk: Disk, *people: certificates.KeyPair) -> Path:
    """Return the machine's file, with the CAs of these people."""
    file = disk.folder / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{bundle(CLUSTER.cert_pem, [pair.cert_pem for pair in people])}\n")
    return file


def call(pair: certificates.KeyPair, server: str = NOBODY, more: str = "") -> str:
    return f"AUTHORITY='{pair.cert_pem.strip()}'\n{server}\n{more}\nrevoke_client"


@contextmanager
def api_server(folder: Path, accepted: Path) -> Iterator[str]:
    """Serve TLS that names the CAs in a file, as an API server does; yield where, as settings."""
    pem = folder / "serving.pem"
    pem.write_text(CLUSTER.cert_pem + CLUSTER.key_pem)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-cert", str(pem)]
    command += ["-verify", "1", "-CAfile", str(accepted)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_until(
            lambda: socket.create_connection(("127.0.0.1", port)).close(),
            10,
            AssertionError,
            passing=(ConnectionRefusedError,),
            poll_seconds=0.05,
        )
        yield f"NODE_ADDRESS=127.0.0.1\nAPI_PORT={port}"
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(
    ("revoked", "left"),
    [(ALICE, [BOB]), (BOB, [ALICE]), (CAROL, [ALICE, BOB]), (CLUSTER, [ALICE, BOB])],
)
def test_one_ca_is_removed(
    disk: Disk, revoked: certificates.KeyPair, left: list[certificates.KeyPair]
) -> None:
    file = accepting(disk, ALICE, BOB)
    ran = disk.run(call(revoked), "revocation")
    assert ran.returncode == 0, ran.stderr
    before = "removed" if revoked in (ALICE, BOB) else "absent"
    assert ran.stdout.startswith(f"{before} 0."), "an API server that is down starts with it"
    wanted = bundle(CLUSTER.cert_pem, [pair.cert_pem for pair in left])
    assert file.read_text() == f"{wanted}\n", "as the program would write it"


def test_a_machine_without_the_file_has_nothing_to_revoke(disk: Disk) -> None:
    ran = disk.run(call(ALICE), "revocation")
    assert (ran.returncode, ran.stdout.strip()) == (0, "absent")


def test_it_waits_until_the_api_server_names_the_ca_no_longer(disk: Disk, tmp_path: Path) -> None:
    accepted = tmp_path / "accepted.pem"
    file = accepting(disk, ALICE, BOB)
    accepted.write_text(file.read_text())
    with api_server(tmp_path, accepted) as server:
        ran = disk.run(call(ALICE, server, "READ_SECONDS=1"), "revocation")
        assert ran.returncode == 1
        assert "timed out after 1 s waiting for the API server to read" in ran.stderr
        assert "'fleet revoke --cut' restarts it" in ran.stderr
        assert ALICE.cert_pem.strip() not in file.read_text()
        ran = disk.run(call(CAROL, server, "READ_SECONDS=1"), "revocation")
        assert ran.stdout.startswith("absent "), "a CA that it does not name is refused"


def test_it_waits_for_a_step_that_is_active(disk: Disk) -> None:
    file = accepting(disk, ALICE)
    lock = f"exec 8>{disk.state}/lock; flock 8"
    step = subprocess.Popen(["bash", "-c", f"{lock}; echo; sleep 1"], stdout=subprocess.PIPE)
    assert step.stdout and step.stdout.readline()
    ran = disk.run(call(ALICE), "revocation")
    assert step.poll() is not None, "the step was done before the file was changed"
    assert "waiting for an earlier run" in ran.stderr
    assert ALICE.cert_pem.strip() not in file.read_text()
