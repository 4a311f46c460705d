"""scripts/node/revocation.sh: one person's CA leaves the file, and nothing else does."""

import pytest

from model.pki.client_authorities import bundle
from tests.node.steps.disk import Disk

CLUSTER, ALICE, BOB = (f"-----BEGIN-----\n{name}\n-----END-----\n" for name in "cab")


@pytest.mark.parametrize(
    ("revoked", "said", "left"),
    [
        (ALICE, "revoked", [BOB]),
        (BOB, "revoked", [ALICE]),
        ("-----BEGIN-----\nx\n-----END-----", "was not accepted", [ALICE, BOB]),
        (CLUSTER, "was not accepted", [ALICE, BOB]),
    ],
)
def test_one_ca_is_removed(disk: Disk, revoked: str, said: str, left: list[str]) -> None:
    file = disk.folder / "etc/kubernetes/pki/clients/ca.crt"
    file.parent.mkdir(parents=True)
    file.write_text(f"{bundle(CLUSTER, [ALICE, BOB])}\n")
    ran = disk.run(f"AUTHORITY='{revoked.strip()}'\nrevoke_client", "revocation")
    assert (ran.returncode, ran.stdout.strip()) == (0, said), ran.stderr
    assert file.read_text() == f"{bundle(CLUSTER, left)}\n", "as the program would write it"


def test_a_machine_without_the_file_has_nothing_to_revoke(disk: Disk) -> None:
    ran = disk.run(f"AUTHORITY='{ALICE}'\nrevoke_client", "revocation")
    assert (ran.returncode, ran.stdout.strip()) == (0, "no CAs of clients")
