"""Certificates renewed on a running control plane: its components use them without a restart."""

from collections.abc import Iterator

import pytest

from model.render.node_scripts import compose
from tests.node.cluster import Member
from tests.node.test_operations import RUNNING
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
# etcd reads its files at each handshake, the API server at least once a minute.
HANDSHAKE_SECONDS, FILE_SECONDS = 5, 75


def call(machine: Member, script: str) -> str:
    """Call functions of leaves.sh on a machine."""
    settings = {"NODE_NAME": machine.name, "MACHINE_ID": machine.spec.machine_id}
    return machine.shell(f"{compose('leaves', settings)}\nlib_begin; open_run\n{script}")


def shown(machine: Member, port: int) -> str:
    """Return the fingerprint of the certificate that is shown on a port."""
    address = f"{machine.spec.bare_address}:{port}"
    return machine.shell(
        f"openssl s_client -connect {address} </dev/null 2>/dev/null |"
        " openssl x509 -noout -fingerprint -sha256"
    )


def files(machine: Member) -> dict[str, str]:
    """Return the checksums that an inspection compares."""
    return {key: value for key, value in machine.node_facts().items() if key.startswith("file:")}


@pytest.fixture(autouse=True)
def nothing_restarts(control_plane: Member) -> Iterator[None]:
    """The containers of the machine are the same after each test."""
    before = control_plane.shell(RUNNING)
    yield
    assert control_plane.shell(RUNNING) == before


@pytest.mark.parametrize(
    ("name", "port", "seconds"),
    [
        ("etcd-server", 2379, HANDSHAKE_SECONDS),
        ("etcd-peer", 2380, HANDSHAKE_SECONDS),
        ("apiserver", 6443, FILE_SECONDS),
    ],
)
def test_servers_show_a_renewed_certificate(
    control_plane: Member, name: str, port: int, seconds: int
) -> None:
    looked, previous = files(control_plane), shown(control_plane, port)
    call(control_plane, f"renew_leaf {name}")
    wanted = call(
        control_plane, f"leaf_certificate {name} | openssl x509 -noout -fingerprint -sha256"
    )
    assert wanted != previous
    await_true(lambda: shown(control_plane, port) == wanted, f"{name} to be shown", seconds)
    assert files(control_plane) == looked, "a renewal is no drift"
