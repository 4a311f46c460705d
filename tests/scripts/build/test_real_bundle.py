"""This machine's own bundle, and the real containerd that imports its images."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import paths
from model.artifacts.bundle import Artifact, Bundle
from model.machine import CONTROL_PLANE, WORKER
from model.pins import KUBERNETES
from scripts.build import containerd, manifest_entries, ociimage, ocilayout
from scripts.build.bundle_folder import verify
from scripts.build.download import sha256
from scripts.build.ociimage import ImageRecipe
from scripts.build.registry import Registry
from scripts.build.shell import run
from tests.scripts.build.images import put_image
from tests.scripts.build.server import Server
from tests.tmp_machines import workshop


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The bundle that `make test` has made before."""
    return Bundle.load(paths.bundle_dir(KUBERNETES))


@pytest.fixture
def root() -> Iterator[Path]:
    """A place on a file system that containerd can stack images on, which /tmp need not be."""
    with workshop() as folder:
        yield folder


def test_the_bundle_matches_its_manifest(bundle: Bundle) -> None:
    verify(bundle)


def test_the_images_are_exactly_those_of_kubeadm(bundle: Bundle) -> None:
    wanted = manifest_entries.images(bundle.file(bundle.named("kubeadm")), KUBERNETES)
    assert {each.name: each.image for each in bundle.artifacts if each.kind == "image"} == wanted


@pytest.mark.parametrize(
    ("name", "arguments", "version"),
    [
        ("kubeadm", ["version", "--output=short"], KUBERNETES),
        ("kubelet", ["--version"], f"Kubernetes {KUBERNETES}"),
        ("kubectl", ["version", "--client"], f"Client Version: {KUBERNETES}"),
        ("containerd", ["--version"], "v2."),
        ("ctr", ["--version"], "v2."),
        ("etcdctl", ["version"], "etcdctl version: 3."),
        ("etcdutl", ["version"], "etcdutl version: 3."),
    ],
)
def test_the_programs_print_their_version(
    bundle: Bundle, name: str, arguments: list[str], version: str
) -> None:
    artifact = bundle.named(name)
    printed = run([str(bundle.file(artifact)), *arguments])
    assert version in printed
    assert artifact.version.removeprefix("v") in printed


def test_every_role_gets_its_artifacts(bundle: Bundle) -> None:
    worker = {each.name for each in bundle.for_role(WORKER)}
    assert {"kubeadm", "kubelet", "containerd", "bridge", "kube-proxy", "pause"} <= worker
    control_plane = {each.name for each in bundle.for_role(CONTROL_PLANE)} - worker
    assert control_plane == {"etcdctl", "etcdutl", "etcd", "kube-apiserver",
                             "kube-controller-manager", "kube-scheduler"}  # fmt: skip
    assert [each.name for each in bundle.for_role("operator")] == ["kubectl"]


def artifact(folder: Path, name: str, reference: str) -> Artifact:
    return manifest_entries.image(folder, name, reference, "test")


@pytest.mark.root
def test_containerd_imports_downloaded_and_built_images(
    bundle: Bundle, server: Server, root: Path
) -> None:
    """Both kinds of files, by the very containerd and ctr that machines run."""
    (root / "images").mkdir()
    put_image(server, "fetched", "v1", "hello from the registry")
    registry = Registry(server.base, "fetched")
    manifest = registry.manifest("v1", bundle.arch)
    for blob in manifest.blobs:
        registry.blob(blob, root / blob.removeprefix("sha256:"))
    ocilayout.write("registry.test/fetched:v1", manifest, root, root / "images" / "fetched.tar")
    (root / "program").write_text("hello from here")
    built = ImageRecipe("registry.test/built:v1", {"/message": root / "program"})
    ociimage.write(built, root / "images" / "built.tar", bundle.arch)

    there = Bundle(root, KUBERNETES, bundle.arch, "test", (
        artifact(root, "fetched", "registry.test/fetched:v1"),
        artifact(root, "built", "registry.test/built:v1"),
    ))  # fmt: skip
    assert sha256(root / "images" / "fetched.tar") == there.named("fetched").sha256
    # The programs of the real bundle import the images of the test.
    files = [bundle.named("ctr"), bundle.named("containerd")]
    (root / "bin").mkdir()
    for each in files:
        (root / each.path).symlink_to(bundle.file(each))
    mixed = Bundle(root, KUBERNETES, bundle.arch, "test", (*there.artifacts, *files))
    containerd.import_images(mixed, there.artifacts, root / "containerd")
    unpacked = (root / "containerd").rglob("fs/message")
    assert sorted(each.read_text() for each in unpacked) == [
        "hello from here", f"hello from the registry for {bundle.arch}"
    ]  # fmt: skip
