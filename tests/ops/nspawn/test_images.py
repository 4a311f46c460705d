"""Images of machines: kept beside the machines, whatever becomes of the cache."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from model import paths
from ops.nspawn import image as images
from ops.nspawn.runtime import Runtime
from ops.nspawn.spec import MachineSpec
from tests.ops.nspawn.fleet import MACHINES, VERSION, Outs, TestFleet, outs
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
        subprocess.run(["cp", "-al", image, cache / "images" / VERSION], check=True)
        with monkeypatch.context() as patch:
            patch.setenv("KUBEADM_FLEET_CACHE", str(cache))
            machine = fleet.make(network)
        before = fleet.run(machine, READ_ALL)
        shutil.rmtree(cache / "images")
    assert fleet.run(machine, READ_ALL) == before
    runtime = Runtime.read(fleet.spec(machine))
    assert runtime is not None
    os.kill(runtime.leader, signal.SIGKILL)
    await_true(lambda: not runtime.alive, "the machine to have stopped")
    machine = outs(MACHINES.update("", machine, fleet.inputs(network)))
    assert fleet.run(machine, READ_ALL) == before
