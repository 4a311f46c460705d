"""scripts/node/images.sh, with a real container runtime: pinned, looked at, restored, released."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.hosts.artifacts import tar
from scripts.build import ociimage
from scripts.build.download import sha256
from tests.node.cluster import VERSION
from tests.node.steps.container_runtime import Runtime, running
from tests.node.steps.disk import Disk

pytestmark = pytest.mark.root

OURS = ("registry.test/one:1", "registry.test/two:1")
THEIRS = "docker.io/library/theirs:1"


@pytest.fixture
def runtime(tmp_path: Path, disk: Disk) -> Iterator[Runtime]:
    """A running containerd, and the archives of two images among the machine's artifacts."""
    artifacts = disk.state / "artifacts"
    artifacts.mkdir()
    sums = {}
    for reference in (*OURS, THEIRS):
        archive = _archive(tmp_path, reference)
        sums[reference] = sha256(archive)
        archive.rename(artifacts / sums[reference])
    rows = [f"{sums[reference]}\timage\tname\t{reference}\n" for reference in OURS]
    (artifacts / "index").write_text("".join(rows))
    with running(disk, tmp_path / "containerd") as runtime:
        runtime.sums = sums
        runtime.ctr(f"images import --local {artifacts / sums[THEIRS]}")
        yield runtime


def _archive(folder: Path, reference: str) -> Path:
    file, archive = folder / "file", folder / "archive.tar"
    file.write_text(reference)
    ociimage.write(ociimage.ImageRecipe(reference, {"/file": file}), archive, "amd64")
    return archive


def test_imported_images_outlive_the_garbage_collection(runtime: Runtime) -> None:
    runtime.run("import_images")
    assert runtime.pinned == {**dict.fromkeys(OURS, True), THEIRS: False}
    runtime.collect_garbage()
    assert set(runtime.pinned) == set(OURS)
    assert runtime.damaged == []


def test_damaged_images_are_found_and_restored(runtime: Runtime) -> None:
    one, two = OURS
    runtime.run("import_images")
    runtime.ctr(f"images remove --sync {one} $(ctr --namespace k8s.io images list -q | grep ^sha)")
    runtime.ctr(f"images label {two} io.cri-containerd.pinned=")
    assert runtime.damaged == [[one, "missing", runtime.sums[one]], [two, "unpinned"]]
    runtime.run("import_images")
    assert runtime.damaged == []
    assert runtime.pinned == {**dict.fromkeys(OURS, True), THEIRS: False}


def test_images_are_restored_from_files_that_are_sent(runtime: Runtime, tmp_path: Path) -> None:
    """A container machine keeps no archives, and gets those that it needs."""
    artifacts, stream = runtime.disk.state / "artifacts", tmp_path / "stream.tar"
    files = [(runtime.sums[name], artifacts / runtime.sums[name]) for name in OURS]
    stream.write_bytes(b"".join(tar((name, path, path.stat().st_size) for name, path in files)))
    for _, path in files:
        path.unlink()
    (runtime.disk.state / "installed").write_text(VERSION)
    runtime.run(f"start_runtime() {{ :; }}; restore_images <{stream}", "image_restore")
    assert runtime.damaged == []
    assert not any(path.exists() for _, path in files)


@pytest.mark.parametrize("lost", ["content", "snapshots"])
def test_an_image_without_its_content_or_its_files_is_restored(runtime: Runtime, lost: str) -> None:
    runtime.run("import_images")
    names = "awk 'NR > 1 {print $1}'"
    runtime.ctr(f"{lost} list | {names} | xargs -n 1 ctr --namespace k8s.io {lost} remove")
    assert [row[1] for row in runtime.damaged] == ["incomplete", "incomplete"]
    runtime.run("import_images")
    assert runtime.damaged == []


@pytest.mark.parametrize("lost", ["manifest", "config", "layer"])
def test_content_that_is_gone_from_the_disk_is_restored(runtime: Runtime, lost: str) -> None:
    """containerd asks its database, and would neither miss it nor write it again."""
    runtime.run("import_images")
    listed = runtime.ctr(f"images list name=={OURS[0]}").splitlines()[1].split()
    file = _blob(runtime, listed[2])
    if lost != "manifest":
        manifest = json.loads(file.read_text())
        named = manifest["config"] if lost == "config" else manifest["layers"][0]
        file = _blob(runtime, named["digest"])
    file.unlink()
    assert runtime.damaged == [[OURS[0], "incomplete", runtime.sums[OURS[0]]]]
    runtime.run("import_images")
    assert runtime.damaged == []
    assert file.exists()


def _blob(runtime: Runtime, digest: str) -> Path:
    content = runtime.disk.folder / "var/lib/containerd/io.containerd.content.v1.content"
    return content / "blobs" / digest.replace(":", "/")


def test_images_of_a_former_version_are_unpinned_and_forgotten(runtime: Runtime) -> None:
    one, two = OURS
    runtime.run("import_images")
    runtime.run(f"release_images <<<'{two}'", "images")
    assert runtime.pinned == {one: False, two: True, THEIRS: False}
    assert (runtime.disk.state / "images").read_text() == f"{two}\t{runtime.sums[two]}\n"


def test_a_silent_runtime_says_nothing_about_images(runtime: Runtime) -> None:
    runtime.socket = "/nothing"
    assert runtime.damaged == []
