"""scripts/node/install.sh: what a download is verified with."""

import hashlib
from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

CONTENT = "the kubelet"
SUM = hashlib.sha256(CONTENT.encode()).hexdigest()
URL, SUM_URL = "https://mirror.example.com/kubelet", "https://mirror.example.com/kubelet.sha256"
# What the server has: the file, and a checksum of it.
SERVER = f"""
mkdir -p "$FETCHED"
download() {{
  echo "$1" >>"$STATE/asked"
  case $1 in *.sha256) echo {SUM} ;; *) printf '%s' '{CONTENT}' ;; esac >"$2"
}}
"""


@pytest.mark.parametrize(("given", "asked"), [(SUM_URL, [SUM_URL, URL]), (f"sha256:{SUM}", [URL])])
def test_a_checksum_is_given_or_asked_for(disk: Disk, given: str, asked: list[str]) -> None:
    ran = disk.run(f"{SERVER}fetch {URL} {given}", "install")
    assert ran.returncode == 0, ran.stderr
    assert (disk.state / "asked").read_text().split() == asked
    (file,) = _fetched(disk)
    assert file.read_text() == CONTENT


def test_a_file_that_only_its_own_server_vouches_for_is_refused(disk: Disk) -> None:
    ran = disk.run(f"{SERVER}fetch {URL} sha256:{'0' * 64}", "install")
    assert ran.returncode == 1
    assert f"checksum mismatch: got {SUM}, expected {'0' * 64}" in ran.stderr
    assert _fetched(disk) == []


def test_nothing_is_downloaded_without_space_for_all_of_it(disk: Disk) -> None:
    artifacts = disk.state / "artifacts"
    artifacts.mkdir()
    (artifacts / "downloads").write_text(f"{disk.folder}/kubelet\t{URL}\tsha256:{SUM}\t-\n")
    settings = "LIB_STARTED=$EPOCHREALTIME DOWNLOADED_BYTES=$((1 << 60))\n"
    ran = disk.run(f"{SERVER}{settings}install_artifacts", "install")
    assert ran.returncode == 1
    assert "not enough space" in ran.stderr
    assert f"(downloads in {artifacts}/fetched); nothing was downloaded" in ran.stderr
    assert not (disk.state / "asked").exists()


# /usr/local is a small file system of its own.
SMALL = """
LIB_STARTED=$EPOCHREALTIME DOWNLOADED_BYTES=0 SPACE_RESERVE=0
df() {
  case $* in
    *target*local*) echo /usr/local ;;
    *target*) echo / ;;
    *usr/local) echo 5 1000 2000 ;;
    *) echo 1000000 1000 2000 ;;
  esac
}
"""


@pytest.mark.parametrize("source", ["bundle", "upstream"])
def test_nothing_is_installed_without_space_where_it_belongs(disk: Disk, source: str) -> None:
    artifacts, place = disk.state / "artifacts", disk.folder / "usr/local/bin/kubelet"
    artifacts.mkdir()
    place.parent.mkdir(parents=True)
    if source == "bundle":
        (artifacts / SUM).write_text(CONTENT)
        (artifacts / "index").write_text(f"{SUM}\tbinary\tkubelet\t{place}\n")
    else:
        (artifacts / "downloads").write_text(f"{place}\t{URL}\tsha256:{SUM}\t-\n")
    ran = disk.run(f"{SERVER}{SMALL}install_artifacts", "install")
    assert ran.returncode == 1
    assert f"needed (kubelet in {place.parent}); nothing was installed" in ran.stderr
    assert list(place.parent.iterdir()) == []


def _fetched(disk: Disk) -> list[Path]:
    found = (disk.state / "artifacts" / "fetched").iterdir()
    return [file for file in found if file.suffix != ".sums" and not file.name.endswith(".log")]
