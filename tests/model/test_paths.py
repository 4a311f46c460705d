"""Folders: the product's own variable first, then XDG's, then the home directory."""

from pathlib import Path

import pytest

from model import paths, pins


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "STATE", "MACHINES"):
        monkeypatch.delenv(f"KUBEADM_FLEET_{name}", raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ann")


def test_defaults_are_below_home() -> None:
    assert paths.cache_dir() == Path("/home/ann/.cache/kubeadm-fleet")
    assert paths.state_dir() == Path("/home/ann/.local/state/kubeadm-fleet")
    assert paths.machines_dir() == Path("/var/lib/kubeadm-fleet/machines")


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("XDG_CACHE_HOME", paths.cache_dir), ("XDG_STATE_HOME", paths.state_dir)],
)
def test_xdg_variables_change_the_base(
    monkeypatch: pytest.MonkeyPatch, variable: str, folder: object
) -> None:
    monkeypatch.setenv(variable, "/data")
    assert callable(folder)
    assert folder() == Path("/data/kubeadm-fleet")


def test_own_variables_name_the_folder_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "STATE", "MACHINES"):
        monkeypatch.setenv(f"KUBEADM_FLEET_{name}", f"/elsewhere/{name}")
    monkeypatch.setenv("XDG_CACHE_HOME", "/data")
    assert paths.cache_dir() == Path("/elsewhere/CACHE")
    assert paths.state_dir() == Path("/elsewhere/STATE")
    assert paths.machines_dir() == Path("/elsewhere/MACHINES")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", "")
    assert paths.cache_dir() == Path("/home/ann/.cache/kubeadm-fleet")


@pytest.mark.parametrize("version", ["1.36.3", "v1.36.3"])
def test_a_bundle_has_one_folder_however_its_version_is_written(version: str) -> None:
    assert paths.bundle_dir(version).name == "v1.36.3-amd64"
    assert paths.bundle_dir(version, "arm64").name == "v1.36.3-arm64"


def test_cached_folders_are_below_the_cache() -> None:
    cache = paths.cache_dir()
    assert paths.toolchain_dir() == cache / "toolchain" / pins.PULUMI / "bin"
    assert paths.image_dir("v1.36.3-abc") == cache / "images" / "v1.36.3-abc"
    assert paths.content_dir() == cache / "content"
