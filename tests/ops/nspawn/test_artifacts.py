"""What a container machine is sent for another version: what it has not got, and nothing twice."""

from pathlib import Path

import pytest

from ops.hosts.artifacts import HostArtifacts
from ops.nspawn import artifacts as stock
from ops.nspawn.spec import MachineSpec

PAUSE = "registry.k8s.io/pause:3.10"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of a machine whose disk is a folder of this host."""
    monkeypatch.setattr("ops.nspawn.disk.mount", lambda _: tmp_path)
    folder = tmp_path / stock.STATE
    folder.mkdir(parents=True)
    return folder


def given(tmp_path: Path, *names: str) -> HostArtifacts:
    for name in names:
        (tmp_path / name).write_text(name)
    files = tuple((name, tmp_path / name, len(name)) for name in names)
    return HostArtifacts("".join(f"{name}\n" for name in names), "", "", files)


def supply(supplies: HostArtifacts) -> None:
    spec: MachineSpec = object()  # type: ignore[assignment]
    stock.supply(spec, supplies)


def test_what_is_missing_is_sent_and_what_nobody_needs_goes(state: Path, tmp_path: Path) -> None:
    supply(given(tmp_path, "a", "b"))
    before = (state / "artifacts" / "b").stat().st_ino
    supply(given(tmp_path, "b", "c"))
    there = {file.name for file in (state / "artifacts").iterdir()}
    assert there == {"b", "c", "index", "downloads", "mirrors"}
    assert (state / "artifacts" / "b").stat().st_ino == before
    assert (state / "artifacts" / "index").read_text() == "b\nc\n"


def test_an_image_that_was_imported_is_not_sent(state: Path, tmp_path: Path) -> None:
    (state / "images").write_text(f"{PAUSE}\ta\n")
    supply(given(tmp_path, "a", "b"))
    assert not (state / "artifacts" / "a").exists()
    assert (state / "artifacts" / "b").exists()


def test_an_image_that_another_has_replaced_since_is_sent(state: Path, tmp_path: Path) -> None:
    (state / "images").write_text(f"{PAUSE}\ta\n{PAUSE}\tb\n")
    supply(given(tmp_path, "a"))
    assert (state / "artifacts" / "a").exists()
