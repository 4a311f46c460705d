"""Functions shared by all steps, run in a folder that represents the machine's disk."""

import os
import subprocess

import pytest

from model.render.machine_files import ManagedFile, table
from tests.node.steps.disk import MEMBERSHIP, Disk


@pytest.mark.parametrize("membership", ["", MEMBERSHIP])
def test_machine_is_a_member_once_it_has_joined(disk: Disk, membership: str) -> None:
    asked = f"MEMBERSHIP='{membership}'; is_member"
    assert disk.run(asked).returncode == 1
    (disk.state / "member").write_text(MEMBERSHIP)
    assert disk.run(asked).returncode == 1  # the join was cut off, or kubeadm reset it
    disk.join()
    assert disk.run(asked).returncode == 0


def test_without_a_cluster_name_any_member_counts(disk: Disk) -> None:
    disk.join()
    assert disk.run("MEMBERSHIP='sha256:ffff machine-id'; is_member").returncode == 1
    assert disk.run("is_member").returncode == 0


def test_a_second_step_waits_for_the_first(disk: Disk) -> None:
    first = subprocess.Popen(
        disk.command("lib_begin; echo begun; read -r; echo done >>$STATE/log"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    second = subprocess.Popen(
        disk.command("lib_begin; cat $STATE/log"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    assert "an earlier run that is still active" in second.stderr.readline()
    first.communicate("\n", timeout=20)
    assert second.communicate(timeout=20)[0] == "done\n"


def test_a_step_without_a_name_is_rejected(disk: Disk) -> None:
    refused = disk.run("unset NODE_NAME; lib_begin")
    assert refused.returncode != 0
    assert "NODE_NAME is required by every step" in refused.stderr


def test_secrets_are_removed_at_the_end_of_a_run(disk: Disk) -> None:
    ran = disk.run('lib_begin; open_run; echo secret >"$RUN/key"; ls "$RUN"; exit 3')
    assert (ran.returncode, ran.stdout) == (3, "key\n")
    assert list((disk.folder / "run").iterdir()) == []


def test_a_file_that_is_removed_meanwhile_is_no_failure(disk: Disk) -> None:
    folder = disk.state / "pki"
    folder.mkdir()
    for name in ("former", "current"):
        (folder / name).touch()
    removing = 'find() { command find "$@"; rm "$1/former"; }'
    ran = disk.run(f'set -Eeuo pipefail; {removing}; persist "$STATE/pki"; echo done')
    assert (ran.stdout, ran.stderr, ran.returncode) == ("done\n", "", 0)


def test_downloads_go_through_the_proxy_of_the_record_or_of_the_desired_table(disk: Disk) -> None:
    ask = "proxied bash -c 'echo \"${https_proxy:-none}\"'"
    assert disk.run(ask, "proxy").stdout == "none\n"
    for name, port in (("managed", 3128), ("desired", 8080)):
        environment = f"https_proxy=http://proxy:{port}\n"
        file = ManagedFile(f"{disk.state}/proxy.env", "proxy", environment)
        (disk.state / name).write_text(table([file]))
    assert disk.run(ask, "proxy").stdout == "http://proxy:3128\n"
    assert disk.run(f"PROXY_TABLE=$STATE/desired; {ask}", "proxy").stdout == "http://proxy:8080\n"


OLD = 1_700_000_000


def test_a_file_with_the_content_already_is_not_written_again(disk: Disk) -> None:
    """Its time says how old a key is; mode and owner are corrected."""
    file = disk.folder / "etc/kubernetes/sa.key"
    call = f"secret_file {file} key"
    disk.run(call)
    os.utime(file, (OLD, OLD))
    file.chmod(0o644)
    inode = file.stat().st_ino
    assert disk.run(f"set -e; {call}").returncode == 0
    now = file.stat()
    assert (now.st_mtime, now.st_ino, now.st_mode & 0o777) == (OLD, inode, 0o600)


def test_another_content_and_a_link_are_replaced(disk: Disk) -> None:
    file, other = disk.folder / "etc/kubernetes/sa.key", disk.folder / "etc/other"
    other.write_text("key\n")
    file.symlink_to(other)
    disk.run(f"secret_file {file} key")
    assert not file.is_symlink() and file.read_text() == "key\n"
    inode = file.stat().st_ino
    disk.run(f"secret_file {file} another")
    assert file.read_text() == "another\n" and file.stat().st_ino != inode
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (10, "10 images")]
)
def test_one_thing_is_one(disk: Disk, number: int, said: str) -> None:
    assert disk.run(f"set -e; counted {number} image").stdout == f"{said}\n"
