"""containerd with its CRI plugin on this host, for functions of node scripts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import grpc

from model import paths
from model.artifacts.bundle import Bundle
from scripts.build import containerd
from tests.node.cluster import VERSION
from tests.node.steps.disk import Disk

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


@contextmanager
def running(disk: Disk, folder: Path) -> Iterator[Runtime]:
    """Run containerd with its data in the folder, which the disk has in its usual place."""
    (disk.folder / "var/lib/containerd").symlink_to(folder)
    bundle = Bundle.load(paths.bundle_dir(VERSION))
    with (
        mock.patch.object(containerd, "CONFIG", CRI_CONFIG),
        containerd._running(bundle, folder) as socket,
    ):
        yield Runtime(disk, bundle, socket)
