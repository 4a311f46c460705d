"""Images of machines: kept beside the machines, whatever becomes of the cache."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from model import machine_image, paths
from model.artifacts.bundle import Bundle
from ops.errors import OperatorError
from ops.nspawn import image as images
from ops.nspawn.runtime import Runtime
from ops.nspawn.spec import MachineSpec
from scripts.build import debian
from tests.ops.nspawn.fleet import MACHINES, Outs, TestFleet, outs
from tests.ops.nspawn.image_maker import VERSION
from tests.tmp_machines import workshop
from tests.waiting import await_true

# The sum of every program and library: none of them may be missing.
READ_ALL = "find /usr/bin /usr/lib -type f -print0 | xargs -0 cat | sha256sum"


def _spec(hostname: str, image: Path) -> MachineSpec:
    return MachineSpec(
        owner="us", cluster="c", hostname=hostname, role="worker", kubernetes_version=VERSION,
        bridge="", address="", gateway="", cpus=1, memory=1, authorized_key="", image=str(image),
        machine_id="",
    )  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The bundle of a version, alone in a cache."""
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    bundle = Bundle(paths.bundle_dir(VERSION), VERSION, "amd64", "test", ())
    bundle.folder.mkdir(parents=True)
    bundle.write()
    return bundle


def test_each_checkout_finds_the_image_of_its_own_recipe(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for recipe in ("one", "another", "one"):
        monkeypatch.setattr(machine_image, "BOOT", recipe)
        with suppress(FileExistsError):
            name = machine_image.image_name(debian.codename(), bundle)
            paths.image_dir(name).mkdir(parents=True)
        found.append(images.cached(VERSION))
    assert found[0] == found[2] != found[1]
    assert {image.name.rpartition("-")[0] for image in found} == {VERSION}


def test_another_recipe_s_image_is_not_used(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.image_dir(machine_image.image_name(debian.codename(), bundle)).mkdir(parents=True)
    paths.image_dir(VERSION).mkdir()
    monkeypatch.setattr(machine_image, "KUBELET_DROP_IN", "another recipe")
    with pytest.raises(OperatorError, match=r"no machine image for .*make image"):
        images.cached(VERSION)


def test_without_a_bundle_no_image_is_looked_for(bundle: Bundle) -> None:
    shutil.rmtree(bundle.folder)
    with pytest.raises(OperatorError, match=r"there is no bundle at .*make bundle"):
        images.cached(VERSION)


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image in a cache; the machines are in a folder of their own."""
    monkeypatch.setattr(images, "LOCK", tmp_path / "lock")
    monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(tmp_path / "machines"))
    image = tmp_path / "cache" / "v1-key"
    (image / "root").mkdir(parents=True)
    (image / "root" / "file").write_text("content")
    return image


def test_an_image_outlives_the_cache_without_using_more_space(cached: Path) -> None:
    machine = _spec("a", cached)
    machine.write()
    kept = images.hold(machine) / "root" / "file"
    assert kept.samefile(cached / "root" / "file")
    shutil.rmtree(cached.parent)
    assert images.hold(machine) == images.held(machine)
    assert kept.read_text() == "content"


def test_an_image_goes_with_its_last_machine(cached: Path) -> None:
    first, second = _spec("a", cached), _spec("b", cached)
    for machine in (first, second):
        machine.write()
        images.hold(machine)
    shutil.rmtree(first.folder)
    images.release()
    assert images.held(second).is_dir()
    shutil.rmtree(second.folder)
    images.release()
    assert list(paths.machines_dir().iterdir()) == [second.folder.parent]
    assert cached.is_dir()


def test_releasing_without_any_image_is_no_error(cached: Path) -> None:
    assert cached.is_dir()
    images.release()


@pytest.mark.root
def test_a_machine_works_and_reboots_without_the_cache(
    image: Path, fleet: TestFleet, network: Outs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workshop() as cache:
        (cache / "images").mkdir()
        (cache / "bundles").symlink_to(paths.cache_dir() / "bundles")
        subprocess.run(["cp", "-al", image, cache / "images" / image.name], check=True)
        with monkeypatch.context() as patch:
            patch.setenv("KUBEADM_FLEET_CACHE", str(cache))
            machine = fleet.make(network)
        before = fleet.run(machine, READ_ALL)
        shutil.rmtree(cache / "images")
    # Nor is it replaced by a machine of another recipe's image.
    monkeypatch.setattr(machine_image, "BOOT", "another recipe")
    assert not MACHINES.diff("", machine, fleet.inputs(network)).changes
    assert fleet.run(machine, READ_ALL) == before
    runtime = Runtime.read(fleet.spec(machine))
    assert runtime is not None
    os.kill(runtime.leader.id, signal.SIGKILL)
    await_true(lambda: not runtime.alive, "the machine to have stopped")
    machine = outs(MACHINES.update("", machine, fleet.inputs(network)))
    assert fleet.run(machine, READ_ALL) == before
