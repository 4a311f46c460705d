"""Artifacts of container machines: only missing ones are sent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.artifacts import HostArtifacts
from ops.nspawn import artifacts as machine_artifacts
from ops.nspawn import image
from ops.nspawn.spec import MachineSpec

PAUSE = "registry.k8s.io/pause:3.10"


@dataclass(frozen=True)
class Spec:
    """What is asked of a machine's specification."""

    folder: Path
    image: Path
    role: str = "worker"
    hostname: str = "c-worker-0"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MachineSpec:
    """A machine whose disk is a folder of this host, and whose image has an index."""
    monkeypatch.setattr("model.paths.content_dir", lambda: tmp_path / "content")
    spec: Any = Spec(tmp_path / "machine", tmp_path / "image")
    monkeypatch.setattr("ops.nspawn.disk.mount", lambda _: spec.folder / "upper")
    monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(tmp_path / "machines"))
    image_artifacts = image.held(spec) / "artifacts" / spec.role
    image_artifacts.mkdir(parents=True)
    (image_artifacts / "index").write_text("a\tbinary\ttool\t/usr/local/bin/tool\n")
    (image_artifacts / "images").write_text(f"{PAUSE}\ta\n")
    found: MachineSpec = spec
    return found


@pytest.fixture
def state(spec: MachineSpec) -> Path:
    """The state folder of the machine."""
    folder = spec.folder / "upper" / machine_artifacts.STATE
    folder.mkdir(parents=True)
    return folder


def given(tmp_path: Path, *names: str) -> HostArtifacts:
    for name in names:
        (tmp_path / name).write_text(name)
    files = tuple((name, tmp_path / name, len(name)) for name in names)
    return HostArtifacts("".join(f"{name}\n" for name in names), "", files)


def test_missing_artifacts_are_sent_and_unneeded_ones_deleted(
    spec: MachineSpec, state: Path, tmp_path: Path
) -> None:
    machine_artifacts.sync(spec, given(tmp_path, "a", "b"))
    before = (state / "artifacts" / "b").stat().st_ino
    machine_artifacts.sync(spec, given(tmp_path, "b", "c"))
    there = {file.name for file in (state / "artifacts").iterdir()}
    assert there == {"b", "c", "index", "downloads"}
    assert (state / "artifacts" / "b").stat().st_ino == before
    assert (state / "artifacts" / "index").read_text() == "b\nc\n"


def test_an_imported_image_is_not_sent(spec: MachineSpec, state: Path, tmp_path: Path) -> None:
    (state / "images").write_text(f"{PAUSE}\ta\n")
    machine_artifacts.sync(spec, given(tmp_path, "a", "b"))
    assert not (state / "artifacts" / "a").exists()
    assert (state / "artifacts" / "b").exists()


def test_a_replaced_image_is_sent_again(spec: MachineSpec, state: Path, tmp_path: Path) -> None:
    (state / "images").write_text(f"{PAUSE}\ta\n{PAUSE}\tb\n")
    machine_artifacts.sync(spec, given(tmp_path, "a"))
    assert (state / "artifacts" / "a").exists()


def test_a_new_machine_has_its_table_before_it_boots(spec: MachineSpec, state: Path) -> None:
    table = content.put("rows")
    machine_artifacts.write_initial(spec, spec.folder / "upper", table)
    artifacts = state / "artifacts"
    assert artifacts.stat().st_mode & 0o777 == 0o700
    assert (artifacts / table).read_text() == "rows"
    assert (artifacts / "index").read_text() == (
        f"a\tbinary\ttool\t/usr/local/bin/tool\n{table}\tfiles\tmanaged\t-\n"
    )
    assert machine_artifacts.has_table(spec, table)
    (artifacts / table).unlink()
    assert not machine_artifacts.has_table(spec, table)


def test_another_table_takes_the_place_of_the_former_one(
    spec: MachineSpec, state: Path, tmp_path: Path
) -> None:
    former, later = content.put("former"), content.put("later")
    machine_artifacts.sync(spec, given(tmp_path, "a").with_table(former))
    machine_artifacts.sync(spec, given(tmp_path, "a").with_table(later))
    artifacts = state / "artifacts"
    assert not (artifacts / former).exists()
    assert (artifacts / later).read_text() == "later"
    assert (artifacts / "index").read_text() == f"a\n{later}\tfiles\tmanaged\t-\n"


def test_a_table_that_this_host_has_lost_is_not_sent_half(spec: MachineSpec, state: Path) -> None:
    with pytest.raises(OperatorError, match="is missing or damaged"):
        machine_artifacts.write_initial(spec, spec.folder / "upper", "0" * 64)


def test_nothing_is_sent_without_space_for_all_of_it(
    spec: MachineSpec, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_artifacts, "RESERVE", 1 << 60)
    with pytest.raises(OperatorError, match=r"nothing was sent: .* MiB free in .* on this host"):
        machine_artifacts.sync(spec, given(tmp_path, "one"))
    assert not (state / "artifacts" / "one").exists()
