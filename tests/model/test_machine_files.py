"""The files of machines: what they have in common, their table, and the digests of its parts."""

import base64
import re
import subprocess

import pytest

from model.load import load
from model.render.machine_files import (
    COMMON_FILES,
    PARTS,
    ManagedFile,
    machine_files,
    part_digests,
    paths_of,
    table,
)
from tests.model.examples import CONTAINER, OUTBOUND, SETTINGS, changed, cluster

VIP = changed(
    CONTAINER,
    ("clusters/cluster1/controlPlanes/count", 3),
    ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}),
)
EVERY = [
    machine_files(described, machine)
    for config in (CONTAINER, OUTBOUND, SETTINGS, VIP)
    for described in load(config).clusters
    for machine in described.machines
]


def parts(files: tuple[ManagedFile, ...]) -> list[str]:
    return list(dict.fromkeys(file.part for file in files))


def test_machines_have_the_parts_of_their_role_and_config() -> None:
    plain, virtual, behind = cluster(CONTAINER), cluster(VIP), cluster(OUTBOUND)
    common = ["kernel", "containerd", "kubelet"]
    assert parts(machine_files(plain, plain.workers[0])) == [*common, "drift", "update-policy"]
    assert parts(machine_files(plain, plain.control_planes[0])) == [
        *common,
        "kubeadm",
        "authentication",
        "components",
        "renewal",
        "drift",
        "update-policy",
    ]
    assert parts(machine_files(virtual, virtual.workers[0])) == [*common, "drift", "update-policy"]
    assert parts(machine_files(virtual, virtual.control_planes[0]))[-4:] == [
        "load-balancer",
        "renewal",
        "drift",
        "update-policy",
    ]
    assert parts(machine_files(behind, behind.workers[0]))[:4] == list(PARTS[:4])


@pytest.mark.parametrize("files", EVERY)
def test_every_file_is_one_of_its_own_and_ends_with_a_newline(
    files: tuple[ManagedFile, ...],
) -> None:
    assert len({file.path for file in files}) == len(files)
    assert set(COMMON_FILES) <= set(files)
    for file in files:
        assert not re.search(r"[\s*?\[\\]", file.path)
        assert file.content.endswith("\n")
        assert not file.content.endswith("\n\n")


def test_the_table_has_a_line_for_each_file() -> None:
    files = EVERY[0]
    rows = [line.split("\t") for line in table(files).splitlines()]
    assert [row[0] for row in rows] == [file.path for file in files] == paths_of(table(files))
    assert [int(row[1], 8) for row in rows] == [file.mode for file in files]
    assert [base64.b64decode(row[3]).decode() for row in rows] == [file.content for file in files]


def test_a_digest_is_that_of_the_part_s_lines() -> None:
    files = machine_files(cluster(VIP), cluster(VIP).control_planes[0])
    digests = part_digests(files)
    assert list(digests) == parts(files)
    # The table is longer than one argument can be (128 KiB, execve(2)).
    ours = f'grep -P "\\t{"kubelet"}\\t" | sha256sum | cut -c 1-16'
    shown = subprocess.run(["bash", "-c", ours], input=table(files), capture_output=True, text=True)
    assert digests["kubelet"] == shown.stdout.strip()


def test_another_machine_changes_no_part_but_the_load_balancer() -> None:
    small, large = cluster(VIP), cluster(VIP, ("clusters/cluster1/controlPlanes/count", 5))
    was = part_digests(machine_files(small, small.control_planes[0]))
    now = part_digests(machine_files(large, large.control_planes[0]))
    assert {part for part in was if was[part] != now[part]} == {"load-balancer"}
