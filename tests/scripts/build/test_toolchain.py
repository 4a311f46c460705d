"""The tool chain: installation from releases, and detection of changes."""

import hashlib
from pathlib import Path

import pytest

from model import paths
from scripts.build import programs
from scripts.build.cache_entry import BuildError
from scripts.build.pulumi import (
    LAUNCHER,
    LAUNCHER_SOURCE,
    PULUMI_PROGRAMS,
    VERSIONS,
    ReleaseArchive,
    fetch_programs,
    install_launcher,
    releases,
)
from tests.scripts.build.command import run
from tests.scripts.build.releases import archive
from tests.scripts.build.server import Server

FILE = "pulumi-v3-linux-x64.tar.gz"
CONTENT = archive({f"pulumi/{name}": name for name in (*PULUMI_PROGRAMS, "pulumi-language-go")})


@pytest.fixture
def release(server: Server) -> ReleaseArchive:
    """A release of pulumi in its own layout, below a server of the test's own."""
    server.put(f"/releases/sdk/{FILE}", CONTENT)
    listed = {"pulumi-v3-darwin-x64.tar.gz": b"darwin", FILE: CONTENT}
    lines = [f"{hashlib.sha256(each).hexdigest()}  {name}\n" for name, each in listed.items()]
    server.put("/checksums.txt", "".join(lines).encode())
    members = {name: f"pulumi/{name}" for name in PULUMI_PROGRAMS}
    return ReleaseArchive(
        f"{server.base}/releases/sdk/{FILE}", f"{server.base}/checksums.txt", members
    )


def complete(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a tool chain of small files and return its folder."""
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(cache))
    folder = paths.toolchain_dir()
    folder.mkdir(parents=True)
    described = {}
    for name, version in VERSIONS.items():
        (folder / name).write_text(name)
        described[name] = programs.describe(folder / name, version, "test")
    programs.write(folder, described)
    install_launcher(folder)
    return folder


def test_programs_are_extracted_from_a_release(release: ReleaseArchive, tmp_path: Path) -> None:
    origins = fetch_programs(release, tmp_path / "bin", tmp_path / "work")
    assert origins == dict.fromkeys(PULUMI_PROGRAMS, release.url)
    assert {each.name: each.read_text() for each in (tmp_path / "bin").iterdir()} == {
        name: name for name in PULUMI_PROGRAMS
    }
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "bin").iterdir()} == {0o755}


def test_a_corrupt_release_installs_no_program(
    release: ReleaseArchive, server: Server, tmp_path: Path
) -> None:
    server.resources[f"/releases/sdk/{FILE}"].content += b"x"
    with pytest.raises(BuildError, match="sha256 mismatch"):
        fetch_programs(release, tmp_path / "bin", tmp_path / "work")
    assert not (tmp_path / "bin").exists()


def test_a_release_without_the_program_is_an_error(release: ReleaseArchive, tmp_path: Path) -> None:
    other = ReleaseArchive(
        release.url, release.sums, {"pulumi-language-rust": "pulumi/pulumi-rust"}
    )
    with pytest.raises(BuildError, match=f"{FILE} has no file pulumi/pulumi-rust"):
        fetch_programs(other, tmp_path / "bin", tmp_path / "work")


def test_releases_contain_every_program_of_the_tool_chain() -> None:
    assert {name for each in releases() for name in each.members} == VERSIONS.keys()


def test_a_complete_tool_chain_is_not_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path, monkeypatch)
    assert run(tmp_path, "scripts.build.toolchain") == f"{folder}\n"
    assert run(tmp_path, "scripts.build.toolchain", "--verify") == f"{folder}\n"


def test_replacing_the_launcher_rebuilds_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path, monkeypatch)
    (folder / LAUNCHER).write_text("python -m pulumi.dynamic")
    before = {name: (folder / name).stat().st_ino for name in VERSIONS}
    assert run(tmp_path, "scripts.build.toolchain", "--verify") == f"{folder}\n"
    assert (folder / LAUNCHER).read_bytes() == LAUNCHER_SOURCE.read_bytes()
    assert (folder / LAUNCHER).stat().st_mode & 0o777 == 0o755
    assert {name: (folder / name).stat().st_ino for name in VERSIONS} == before


def test_the_launcher_is_independent_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path, monkeypatch)
    assert str(Path(__file__).parents[3]) not in (folder / LAUNCHER).read_text()


def test_a_modified_program_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = complete(tmp_path, monkeypatch)
    (folder / "pulumi").write_text("PULUMI")
    printed = run(tmp_path, "scripts.build.toolchain", "--verify", status=1)
    assert f"{folder}: modified after installation: pulumi" in printed


def test_missing_and_outdated_programs_are_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path, monkeypatch)
    assert programs.missing(folder, VERSIONS) == []
    (folder / "pulumi").unlink()
    (folder / "pulumi-language-python").write_text("cut")
    newer = {**VERSIONS, "actionlint": "v99"}
    assert programs.missing(folder, newer) == ["pulumi", "pulumi-language-python", "actionlint"]


def test_without_a_record_everything_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path, monkeypatch)
    (folder.parent / programs.RECORD).write_text("{}")
    assert programs.missing(folder, VERSIONS) == list(VERSIONS)
