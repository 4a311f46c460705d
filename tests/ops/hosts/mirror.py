"""A mirror of upstream on this host: releases in upstream's layout, and a registry of images.

Everything comes from the bundle. Single paths can be served corrupt.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from model import paths, pins
from model.artifacts.bundle import Artifact, Bundle
from model.pins import CNI_PLUGINS, CONTAINERD
from tests.ops.hosts.web import QuietHandler, served

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
CONTAINERD_URL = (
    f"github.com/containerd/containerd/releases/download/{CONTAINERD}/"
    f"containerd-{CONTAINERD[1:]}-linux-amd64.tar.gz"
)
CNI_URL = (
    f"github.com/containernetworking/plugins/releases/download/{CNI_PLUGINS}/"
    f"cni-plugins-linux-amd64-{CNI_PLUGINS}.tgz"
)

# What happens to a file on its way: what arrives instead of it, and the length that is promised.
Damage = Callable[[bytes], tuple[bytes, int]]


def intact(content: bytes) -> tuple[bytes, int]:
    return content, len(content)


def corrupted(content: bytes) -> tuple[bytes, int]:
    return content[:-1] + bytes([content[-1] ^ 1]), len(content)


def cut_off(content: bytes) -> tuple[bytes, int]:
    return content[: len(content) // 2], len(content)


def truncated(content: bytes) -> tuple[bytes, int]:
    return content[: len(content) // 2], len(content) // 2


def empty(_content: bytes) -> tuple[bytes, int]:
    return b"", 0


class Mirror:
    """What is served, by path, and what was asked for."""

    def __init__(self, version: str) -> None:
        self.url = ""
        self.damage: dict[str, Damage] = {}
        self.asked: list[str] = []
        self._files = {**releases(version), **registry(version)}

    @property
    def sums(self) -> dict[str, str]:
        """The checksums of the releases, by their address."""
        return {
            path: hashlib.sha256(content).hexdigest()
            for path, (content, _) in self._files.items()
            if not path.startswith("v2/")
        }

    def release(self, version: str, name: str) -> str:
        """The path of one of Kubernetes' programs."""
        return f"dl.k8s.io/release/{version}/bin/linux/amd64/{name}"

    def serve_as(self, version: str, another: str) -> None:
        """Serve everything of a version under another one's name as well."""
        for path in list(self._files):
            self._files[path.replace(version, another)] = self._files[path]

    def forget(self, version: str) -> None:
        """Serve nothing of a version any more."""
        self._files = {path: file for path, file in self._files.items() if version not in path}

    def answer(self, path: str) -> tuple[bytes, int, str] | None:
        """Return what arrives, the promised length and the content type."""
        self.asked.append(path)
        found = self._files.get(path)
        if found is None:
            return None
        content, kind = found
        arriving, length = self.damage.get(path, intact)(content)
        return arriving, length, kind


@cache
def releases(version: str) -> dict[str, tuple[bytes, str]]:
    bundle = Bundle.load(paths.bundle_dir(version))
    kind = "application/octet-stream"
    files = {}
    for name in ("kubeadm", "kubelet", "kubectl"):
        content = bundle.file(bundle.named(name)).read_bytes()
        path = f"dl.k8s.io/release/{version}/bin/linux/amd64/{name}"
        files[path] = (content, kind)
        files[f"{path}.sha256"] = (hashlib.sha256(content).hexdigest().encode(), kind)
    programs = ("containerd", "containerd-shim-runc-v2", "ctr")
    plugins = ("bridge", "loopback", "host-local", "portmap", "firewall")
    for path, sums, names, prefix in (
        (CONTAINERD_URL, ".sha256sum", programs, "bin/"),
        (CNI_URL, ".sha256", plugins, "./"),
    ):
        content = _archive(bundle, names, prefix)
        line = f"{hashlib.sha256(content).hexdigest()}  {path.rpartition('/')[2]}\n"
        files[path] = (content, kind)
        files[f"{path}{sums}"] = (line.encode(), kind)
    return files


def _archive(bundle: Bundle, names: tuple[str, ...], prefix: str) -> bytes:
    archive_file = io.BytesIO()
    with tarfile.open(fileobj=archive_file, mode="w:gz", compresslevel=1) as archive:
        for name in names:
            archive.add(bundle.file(bundle.named(name)), prefix + name)
    return archive_file.getvalue()


@cache
def registry(version: str) -> dict[str, tuple[bytes, str]]:
    """Every image of the bundle and of supplements, as a registry serves it.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md
    """
    bundle = Bundle.of(version, supplements=sorted(pins.SUPPLEMENTS))
    files: dict[str, tuple[bytes, str]] = {}
    for artifact in bundle.artifacts:
        if artifact.image:
            files |= _image(bundle, artifact)
    return files


def _image(bundle: Bundle, artifact: Artifact) -> dict[str, tuple[bytes, str]]:
    assert artifact.image
    repository, _, tag = artifact.image.partition("/")[2].rpartition(":")
    files: dict[str, tuple[bytes, str]] = {}
    with tarfile.open(bundle.file(artifact)) as archive:

        def blob(name: str, kind: str) -> dict[str, Any]:
            member = archive.extractfile(name)
            assert member
            content = member.read()
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            files[f"v2/{repository}/blobs/{digest}"] = (content, "application/octet-stream")
            return {"mediaType": kind, "digest": digest, "size": len(content)}

        listed = archive.extractfile("manifest.json")
        assert listed
        (described,) = json.load(listed)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": blob(described["Config"], CONFIG_TYPE),
            "layers": [blob(layer, LAYER_TYPE) for layer in described["Layers"]],
        }
    content = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    for name in (tag, digest):
        files[f"v2/{repository}/manifests/{name}"] = (content, MANIFEST_TYPE)
    return files


@contextmanager
def serving(address: str, version: str) -> Iterator[Mirror]:
    """Serve a mirror on `address`, at a free port."""
    mirror = Mirror(version)

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self._answer(send=True)

        def do_HEAD(self) -> None:
            self._answer(send=False)

        def _answer(self, *, send: bool) -> None:
            found = mirror.answer(self.path.partition("?")[0].lstrip("/"))
            if found is None:
                self.send_error(404)
                return
            content, length, kind = found
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.send_header("Content-Type", kind)
            self.send_header("Docker-Content-Digest", f"sha256:{_sum(content)}")
            self.end_headers()
            if send:
                self.wfile.write(content)

    with served(address, Handler) as mirror.url:
        yield mirror


@cache
def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
