"""scripts/node/files.sh and managed.sh: how a table of files gets onto a disk, and its record."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from model.render import node_paths
from model.render.machine_files import PARTS, ManagedFile, machine_files, part_digests, table
from model.render.node_scripts import read
from tests.model.examples import CONTAINER, cluster
from tests.node.steps.disk import Disk

VIP = cluster(CONTAINER, ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}))
FILES = (
    ManagedFile("/etc/one.d/new/one.conf", "kernel", "one\n\n  two 'quoted' \"$x\" \\n %s &\n"),
    ManagedFile("/etc/secret", "kernel", "secret\n", 0o600),
    ManagedFile("/etc/mirrors/docker.io/hosts.toml", "mirrors", "docker\n"),
)
FACTS = 'host_fact() { echo "<$1&>"; }; set -Eeuo pipefail'


class Door:
    """The door onto a disk."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk

    def apply(self, *files: ManagedFile, parts: str = " ".join(PARTS), record: bool = True) -> str:
        """Apply the parts of a table; return which files were changed."""
        text = table(self.disk.moved(files))
        (self.disk.state / "changed").unlink(missing_ok=True)
        call = f"write_files \"$T\" '{parts}'" + f"; record_files \"$T\" '{parts}'" * record
        ran = self.disk.run(f"{FACTS}; T='{text.removesuffix(chr(10))}'; {call}", "files")
        assert ran.returncode == 0, ran.stderr
        changed = self.disk.state / "changed"
        return changed.read_text().replace(f"{self.disk.folder}", "") if changed.exists() else ""

    def path(self, file: ManagedFile) -> Path:
        return Path(f"{self.disk.folder}{file.path}")

    def is_there(self, file: ManagedFile) -> bool:
        path = self.path(file)
        return path.read_text() == file.content and path.stat().st_mode & 0o777 == file.mode

    def known(self, call: str) -> list[str]:
        return self.disk.run(call, "managed").stdout.replace(f"{self.disk.folder}", "").splitlines()

    def parts(self) -> dict[str, str]:
        return dict(line.split("\t") for line in self.known("managed_parts"))


@pytest.fixture
def door(disk: Disk) -> Door:
    return Door(disk)


def test_every_byte_and_mode_is_written_once(door: Door) -> None:
    assert door.apply(*FILES).splitlines() == [file.path for file in FILES]
    assert all(map(door.is_there, FILES))
    assert door.apply(*FILES) == ""
    assert not list(door.disk.folder.rglob("*.new"))


@pytest.mark.parametrize("damage", ["echo >>", "rm", "chmod 0666", "truncate --size 0"])
def test_what_was_changed_or_deleted_is_written_again(door: Door, damage: str) -> None:
    door.apply(*FILES)
    door.disk.run(f"{damage} {door.path(FILES[1])}")
    assert not door.path(FILES[1]).exists() or not door.is_there(FILES[1])
    assert door.apply(*FILES) == f"{FILES[1].path}\n"
    assert door.is_there(FILES[1])


def test_what_is_no_longer_wanted_is_removed_with_its_own_folders(door: Door) -> None:
    (door.disk.folder / "etc/mirrors").mkdir()
    door.apply(*FILES)
    assert set(door.apply(FILES[1]).splitlines()) == {FILES[0].path, FILES[2].path}
    assert door.known("managed_paths") == [FILES[1].path]
    assert not (door.disk.folder / "etc/one.d").exists()
    assert list((door.disk.folder / "etc/mirrors").iterdir()) == [], "the folder is not ours"


def test_a_folder_with_somebody_else_s_file_stays(door: Door) -> None:
    door.apply(*FILES)
    other = door.path(FILES[0]).with_name("other")
    other.touch()
    door.apply(FILES[1])
    assert list(other.parent.iterdir()) == [other]


def test_other_parts_are_left_alone(door: Door) -> None:
    door.apply(*FILES)
    changed = [replace(file, content="changed\n") for file in FILES]
    assert door.apply(*changed, parts="mirrors") == f"{FILES[2].path}\n"
    assert all(map(door.is_there, (*FILES[:2], changed[2])))
    complete = door.disk.moved((*FILES[:2], changed[2]))
    assert (door.disk.state / "managed").read_text() == table(complete)
    assert door.parts() == part_digests(complete)


def test_a_killed_run_leaves_no_unknown_file(door: Door) -> None:
    former = replace(FILES[2], path="/etc/former")
    door.apply(*FILES[:2], former)
    before = door.parts()
    door.apply(*FILES, record=False)
    assert not door.path(former).exists()
    assert door.known("managed_paths") == sorted(file.path for file in (*FILES, former))
    assert door.parts() == {"kernel": "pending", "mirrors": "pending"}

    assert door.apply(*FILES[:2], former, parts="mirrors").splitlines() == [
        former.path,
        FILES[2].path,
    ]
    assert door.parts() == {**before, "kernel": "pending"}
    door.apply(*FILES[:2], former)
    assert door.parts() == before
    assert door.known("managed_paths") == sorted(file.path for file in (*FILES[:2], former))
    assert not (door.disk.state / "managed.pending").exists()


def test_a_part_that_is_no_longer_wanted_is_pending_until_all_of_it_is_gone(door: Door) -> None:
    door.apply(*FILES)
    for _attempt in range(2):
        door.apply(*FILES[:2], record=False)
        assert door.parts()["mirrors"] == "pending"
    pending = (door.disk.state / "managed.pending").read_text()
    assert len(pending.splitlines()) == len(FILES), "attempts add nothing twice"
    door.apply(*FILES[:2])
    assert list(door.parts()) == ["kernel"]


def test_digests_are_those_that_the_program_computes(door: Door) -> None:
    files = machine_files(VIP, VIP.control_planes[0])
    (door.disk.state / "managed").write_text(table(files))
    assert door.parts() == part_digests(files)


def test_facts_of_the_host_are_filled_in_and_the_record_keeps_their_names(door: Door) -> None:
    files = machine_files(VIP, VIP.control_planes[0])
    door.apply(*files)
    for file in files:
        facts = re.sub(r"@([A-Z_]+)@", r"<\1&>", file.content)
        assert door.path(file).read_text() == facts
    assert "@INTERFACE@" in "".join(file.content for file in files)
    assert door.parts() == part_digests(door.disk.moved(files))


def test_scripts_and_model_agree_on_names() -> None:
    assert f'\nALL_PARTS="{" ".join(PARTS)}"\n' in read("apply")
    paths = read("paths")
    assert f"\nSTATE={node_paths.STATE}\n" in paths
    for name, path in (
        ("INIT_CONFIGURATION", node_paths.INIT_CONFIGURATION),
        ("LEAF_CONFIGURATION", node_paths.LEAF_CONFIGURATION),
        ("PATCHES", node_paths.PATCHES),
        ("proxy.env", node_paths.PROXY_ENVIRONMENT),
    ):
        assert path.replace(node_paths.STATE, "$STATE") in paths + read("proxy"), name
    assert f"\nKUBELET_SERVING={node_paths.KUBELET_SERVING}\n" in paths
    assert f"\nLOAD_BALANCER_FOLDER={node_paths.LOAD_BALANCER_FOLDER}\n" in read("vip")


def test_a_wrong_mode_is_corrected_in_place(door: Door) -> None:
    """Its time says how old the keys in it are."""
    door.apply(*FILES)
    path, old = door.path(FILES[1]), 1_700_000_000
    os.utime(path, (old, old))
    path.chmod(0o666)
    assert door.apply(*FILES) == f"{FILES[1].path}\n"
    assert door.is_there(FILES[1]) and path.stat().st_mtime == old
