"""Building a bundle from upstream's releases."""

import hashlib
import json
import resource
import stat
from pathlib import Path

import pytest

from model.artifacts.bundle import Bundle
from model.machine import CONTROL_PLANE, WORKER
from scripts.build import arch
from tests.scripts.build.command import run
from tests.scripts.build.releases import (
    FLANNEL,
    IMAGES,
    VERSION,
    from_mirror,
    kubernetes_path,
    put_releases,
)
from tests.scripts.build.server import Server

NODES = (CONTROL_PLANE, WORKER)
FOREIGN = next(each for each in arch.SUPPORTED if each != arch.host())


@pytest.fixture
def upstream(server: Server) -> Server:
    """A mirror of upstream with everything in it."""
    put_releases(server)
    return server


def bundle(cache: Path, server: Server, *more: str, status: int = 0) -> str:
    return run(cache, "scripts.build.bundle", *from_mirror(server), *more, status=status)


def folder(cache: Path, architecture: str = arch.host()) -> Path:
    return cache / "bundles" / f"{VERSION}-{architecture}"


def processor_seconds() -> float:
    """Return how much work the commands did so far that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_manifest_describes_every_file(upstream: Server, tmp_path: Path) -> None:
    printed = bundle(tmp_path, upstream)
    assert f"bundle of {VERSION} for {arch.host()}: downloading from the mirror" in printed
    made = Bundle.load(folder(tmp_path))
    assert (made.kubernetes_version, made.arch, made.source) == (VERSION, arch.host(), "mirror")
    found = {each.name: each for each in made.artifacts}
    assert {each.name: each.install for each in made.artifacts if each.kind == "binary"} == {
        **{name: f"/usr/local/bin/{name}" for name in ("kubeadm", "kubelet", "kubectl", "etcdctl",
           "etcdutl", "containerd", "containerd-shim-runc-v2", "ctr")},
        **{name: f"/opt/cni/bin/{name}" for name in ("bridge", "loopback", "host-local", "portmap",
           "firewall")},
    }  # fmt: skip
    images = {each.image for each in made.artifacts if each.kind == "image"}
    assert images == {*IMAGES, *FLANNEL}
    assert {each.name: each.roles for each in made.artifacts if each.roles != NODES} == {
        "kubectl": (*NODES, "operator"),
        **dict.fromkeys(
            ("etcdctl", "etcdutl", "etcd", "kube-apiserver", "kube-controller-manager",
             "kube-scheduler"),
            (CONTROL_PLANE,),
        ),
    }  # fmt: skip
    assert found["kubelet"].origin == upstream.base + kubernetes_path("kubelet", arch.host())
    assert found["kube-apiserver"].origin == f"registry.k8s.io/kube-apiserver:{VERSION}"
    versions = {name: found[name].version for name in ("kubelet", "ctr", "bridge", "etcdctl")}
    assert versions == {
        "kubelet": VERSION, "ctr": "v2.2.1", "bridge": "v1.9.0", "etcdctl": "v3.6.8"
    }  # fmt: skip


def test_every_file_matches_the_manifest(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    made = Bundle.load(folder(tmp_path))
    for each in made.artifacts:
        content = made.file(each).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (each.size, each.sha256)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (made.folder / "bin").iterdir()}
    assert modes == {0o755}
    assert made.file(made.named("ctr")).read_text() == f"ctr {arch.host()}"


def test_no_other_files_are_left(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    made = Bundle.load(folder(tmp_path))
    files = {each for each in made.folder.rglob("*") if each.is_file()}
    assert files == {made.folder / "manifest.json", *map(made.file, made.artifacts)}
    assert {each.name for each in made.folder.parent.iterdir()} == {
        made.folder.name, f".{made.folder.name}.lock"
    }  # fmt: skip


def test_shared_layers_are_downloaded_once(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    blobs = [each.path.rsplit("/", 1)[-1] for each in upstream.requests if "/blobs/" in each.path]
    assert len(blobs) == len(set(blobs))


def test_a_second_call_makes_no_request(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    upstream.requests.clear()
    began = processor_seconds()
    assert "22 artifacts" in bundle(tmp_path, upstream)
    # Most of this is Python's own start. Other tests may keep this machine busy meanwhile.
    assert processor_seconds() - began < 1.5
    assert upstream.requests == []


def test_machines_of_another_architecture(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream, "--arch", FOREIGN)
    made = Bundle.load(folder(tmp_path, FOREIGN))
    assert made.arch == FOREIGN
    assert made.file(made.named("kubeadm")).read_text() == "foreign"
    assert made.file(made.named("etcdutl")).read_text() == f"etcdutl {FOREIGN}"
    assert len(made.artifacts) == 22


def test_a_flipped_bit_is_detected(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    assert "all checksums verified" in bundle(tmp_path, upstream, "--verify")
    kubelet = folder(tmp_path) / "bin" / "kubelet"
    content = bytearray(kubelet.read_bytes())
    content[7] ^= 1
    kubelet.write_bytes(content)
    printed = bundle(tmp_path, upstream, "--verify", status=1)
    assert f"{folder(tmp_path)}: checksum mismatch: bin/kubelet" in printed


def test_a_missing_file_is_detected(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    (folder(tmp_path) / "images" / "etcd.tar").unlink()
    (folder(tmp_path) / "bin" / "ctr").write_text("")
    printed = bundle(tmp_path, upstream, status=1)
    assert "missing, or of another size than in the manifest: bin/ctr, images/etcd.tar" in printed


def test_a_bundle_of_another_source_is_rejected(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    printed = run(tmp_path, "scripts.build.bundle", "--source", "built", status=1)
    assert "already exists with source 'mirror': remove the folder" in printed


def test_a_corrupted_release_makes_no_bundle(upstream: Server, tmp_path: Path) -> None:
    path = kubernetes_path("kubelet", arch.host())
    upstream.resources[path].content += b"x"
    printed = bundle(tmp_path, upstream, status=1)
    assert f"{upstream.base}{path}: sha256 mismatch" in printed
    assert not folder(tmp_path).exists()


def test_a_mirror_does_not_vouch_for_itself(upstream: Server, tmp_path: Path) -> None:
    path = kubernetes_path("kubectl", arch.host())
    given = {*from_mirror(upstream)}
    del upstream.resources[f"{path}.sha256"]
    assert len(given - {*from_mirror(upstream)}) == 1
    printed = bundle(tmp_path, upstream, status=1)
    assert f"there is no checksum of {path[1:]}: a mirror cannot vouch for itself" in printed
    assert not any(request.path.endswith(".sha256") for request in upstream.requests)
    assert not folder(tmp_path).exists()


def test_a_kubeadm_with_other_images_is_rejected(upstream: Server, tmp_path: Path) -> None:
    path = kubernetes_path("kubeadm", arch.host())
    content = b"#!/bin/sh\necho registry.k8s.io/kube-novelty:v1\n"
    upstream.put(path, content)
    upstream.put(f"{path}.sha256", hashlib.sha256(content).hexdigest().encode())
    printed = bundle(tmp_path, upstream, status=1)
    assert f"kubeadm {VERSION} needs the images kube-novelty" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--version", "1.34.1"], "Kubernetes 1.34 is not supported; allowed: 1.35.x to 1.37.x"),
        (["--version", "latest"], "'latest': not a full version number; allowed: 1.35.x"),
        (
            ["--mirror", "mirror.example.com"],
            "is not a base URL such as https://mirror.example.com",
        ),
        (["--mirror", "https://x.example.com", "--source", "built"], "mutually exclusive"),
        (["--sum", "dl.k8s.io/kubelet=12ab"], "is not an address and 64 hex digits"),
        (["--arch", "s390x"], "'s390x' is not one of 'amd64', 'arm64'"),
    ],
)
def test_an_invalid_argument_is_rejected_with_the_allowed_values(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    printed = run(tmp_path, "scripts.build.bundle", *arguments, status=2)
    assert said in " ".join(printed.split())


def test_the_manifest_matches_its_readers(upstream: Server, tmp_path: Path) -> None:
    bundle(tmp_path, upstream)
    document = json.loads((folder(tmp_path) / "manifest.json").read_text())
    assert list(document) == ["kubernetesVersion", "arch", "source", "artifacts"]
    keys = {each["kind"]: set(each) for each in document["artifacts"]}
    common = {"name", "version", "kind", "path", "origin", "sha256", "size", "roles"}
    assert keys == {"binary": common | {"install"}, "image": common | {"image"}}
