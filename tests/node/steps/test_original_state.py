"""scripts/node/original_state.sh: what of a folder a reset removes."""

from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

BEGIN = "set -Eeuo pipefail; owned_chains() { :; }; nft_tables() { :; }"


def write(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")


def clear(disk: Disk, *mounts: Path) -> list[str]:
    """Clear the kubelet's folder with these mount points; return what is left of it."""
    folder = disk.folder / "var/lib/kubelet"
    printed = "".join(f"{mount}\\n" for mount in mounts)
    ran = disk.run(
        f"{BEGIN}; mounts_in() {{ printf '{printed}'; }}; clear_folder {folder}", "original_state"
    )
    assert ran.returncode == 0, ran.stderr
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def kubelet(disk: Disk) -> Path:
    """The kubelet's folder, with files of a cluster."""
    folder = disk.folder / "var/lib/kubelet"
    write(folder / "config.yaml", folder / "pods/1/volume/file", folder / "pods/lost+found/file")
    return folder


def test_a_cluster_s_folder_is_removed(disk: Disk, kubelet: Path) -> None:
    assert clear(disk) == []
    assert not kubelet.exists()


def test_a_folder_that_was_there_before_stays_empty(disk: Disk, kubelet: Path) -> None:
    recorded = disk.run(f"{BEGIN}; record_original_state", "original_state")
    assert recorded.returncode == 0, recorded.stderr
    assert clear(disk) == []
    assert kubelet.is_dir()


def test_a_disk_of_its_own_is_emptied_and_keeps_what_mkfs_made(disk: Disk, kubelet: Path) -> None:
    write(kubelet / "lost+found/recovered")
    assert clear(disk, kubelet) == ["lost+found", "lost+found/recovered"]


def test_a_disk_inside_of_a_folder_is_emptied(disk: Disk, kubelet: Path) -> None:
    assert clear(disk, kubelet / "pods") == ["pods", "pods/lost+found", "pods/lost+found/file"]


def test_the_record_is_that_of_the_time_before_the_first_change(disk: Disk) -> None:
    record = f"{BEGIN}; record_original_state; cat $ORIGINAL_STATE"
    first = disk.run(record, "original_state").stdout
    assert f"folder\t{disk.folder}/etc/kubernetes\n" in first
    write(disk.folder / "var/lib/kubelet/config.yaml")
    assert disk.run(record, "original_state").stdout == first


def test_nothing_was_there_without_a_record(disk: Disk) -> None:
    assert disk.run("was_there folder /etc/kubernetes", "original_state").returncode != 0
