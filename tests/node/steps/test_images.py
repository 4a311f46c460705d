"""scripts/node/images.sh, with a real container runtime: pinned, looked at, restored, released."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from model import paths
from model.artifacts.bundle import Bundle
from ops.hosts.artifacts import tar
from scripts.build import containerd, ociimage
from scripts.build.download import sha256
from tests.node.cluster import VERSION
from tests.node.steps.disk import Disk

pytestmark = pytest.mark.root

OURS = ("registry.test/one:1", "registry.test/two:1")
THEIRS = "docker.io/library/theirs:1"
CRI_CONFIG = """\
version = 3
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
"""
SERVICE = "/runtime.v1.ImageService"
# Field numbers of the CRI's Image and RemoveImageRequest.
ID, TAGS, PINNED = 1, 2, 8


@dataclass
class Runtime:
    """containerd with its CRI plugin, and a machine's disk with archives of our images."""

    disk: Disk
    bundle: Bundle
    socket: str
    sums: Mapping[str, str] = field(default_factory=dict)

    def run(self, call: str, script: str = "install") -> str:
        """Run a function of the script as a step does."""
        environment = f"export CONTAINERD_ADDRESS={self.socket} PATH={self.bundle.folder}/bin:$PATH"
        finished = self.disk.run(f"{environment}; set -Eeuo pipefail; {call}", script)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def ctr(self, words: str) -> str:
        """Run ctr."""
        return self.run(f"ctr --namespace k8s.io {words} 2>/dev/null")

    @property
    def damaged(self) -> list[list[str]]:
        """What an inspection finds."""
        return [line.split() for line in self.run("damaged_images").splitlines()]

    @property
    def pinned(self) -> dict[str, bool]:
        """The tags that the kubelet sees, and whether it may remove their images."""
        with grpc.insecure_channel(f"unix://{self.socket}") as channel:
            found = [dict(_fields(image)) for image in _images(channel)]
        return {bytes(image[TAGS]).decode(): bool(image.get(PINNED)) for image in found}

    def collect_garbage(self) -> None:
        """Remove every image that the kubelet would remove from a full disk."""
        with grpc.insecure_channel(f"unix://{self.socket}") as channel:
            for image in _images(channel):
                found = dict(_fields(image))
                if not found.get(PINNED):
                    spec = _message(ID, bytes(found[ID]))
                    _call(channel, "RemoveImage", _message(ID, spec))


def _images(channel: grpc.Channel) -> list[bytes]:
    return [bytes(value) for _, value in _fields(_call(channel, "ListImages", b""))]


def _call(channel: grpc.Channel, method: str, message: bytes) -> bytes:
    call = channel.unary_unary(
        f"{SERVICE}/{method}",
        request_serializer=lambda request: request,
        response_deserializer=lambda response: response,
    )
    answer: bytes = call(message)
    return answer


def _message(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Read the fields of a protobuf message; numbers are varints, everything else has a length."""
    rest = iter(message)

    def varint() -> int:
        value = shift = 0
        for byte in rest:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return value

    for first in rest:
        number, kind = first >> 3, first & 7
        if kind == 0:
            yield number, varint()
        else:
            size = varint()
            yield number, bytes(next(rest) for _ in range(size))


@pytest.fixture
def runtime(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A running containerd, and the archives of two images among the machine's artifacts."""
    monkeypatch.setattr(containerd, "CONFIG", CRI_CONFIG)
    bundle = Bundle.load(paths.bundle_dir(VERSION))
    artifacts = disk.state / "artifacts"
    artifacts.mkdir()
    sums = {}
    for reference in (*OURS, THEIRS):
        archive = _archive(tmp_path, reference)
        sums[reference] = sha256(archive)
        archive.rename(artifacts / sums[reference])
    rows = [f"{sums[reference]}\timage\tname\t{reference}\n" for reference in OURS]
    (artifacts / "index").write_text("".join(rows))
    with ExitStack() as running:
        socket = running.enter_context(containerd._running(bundle, tmp_path / "containerd"))
        runtime = Runtime(disk, bundle, socket, sums)
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


def test_images_of_a_former_version_are_unpinned_and_forgotten(runtime: Runtime) -> None:
    one, two = OURS
    runtime.run("import_images")
    runtime.run(f"release_images <<<'{two}'", "images")
    assert runtime.pinned == {one: False, two: True, THEIRS: False}
    assert (runtime.disk.state / "images").read_text() == f"{two}\t{runtime.sums[two]}\n"


def test_a_silent_runtime_says_nothing_about_images(runtime: Runtime) -> None:
    runtime.socket = "/nothing"
    assert runtime.damaged == []
