"""Bundles: writing, reading, identity, and rejection of inconsistent ones."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model import paths
from model.artifacts.bundle import Artifact, Bundle, BundleError

KUBELET = Artifact(
    name="kubelet",
    version="v1.36.3",
    kind="binary",
    path="bin/kubelet",
    origin="k8s.io/kubernetes@v1.36.3",
    sha256="ab" * 32,
    size=123,
    roles=("control-plane", "worker"),
    install="/usr/local/bin/kubelet",
)
ETCD = Artifact(
    name="etcd",
    version="3.6.8-0",
    kind="image",
    path="images/etcd.tar",
    origin="registry.k8s.io/etcd:3.6.8-0",
    sha256="cd" * 32,
    size=456,
    roles=("control-plane",),
    image="registry.k8s.io/etcd:3.6.8-0",
)


def bundle(folder: Path, *artifacts: Artifact) -> Bundle:
    return Bundle(folder, "v1.36.3", "amd64", "built", artifacts or (KUBELET, ETCD))


def test_a_written_bundle_is_read_back(tmp_path: Path) -> None:
    written = bundle(tmp_path)
    written.write()
    assert Bundle.load(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_the_manifest_has_the_specified_keys(tmp_path: Path) -> None:
    bundle(tmp_path).write()
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert set(document) == {"kubernetesVersion", "arch", "source", "artifacts"}
    binary, image = document["artifacts"]
    assert set(binary) == {
        "name", "version", "kind", "path", "origin", "sha256", "size", "roles", "install",
    }  # fmt: skip
    assert "install" not in image
    assert image["image"] == "registry.k8s.io/etcd:3.6.8-0"


def test_a_role_gets_only_its_artifacts(tmp_path: Path) -> None:
    assert bundle(tmp_path).for_role("worker") == (KUBELET,)
    assert bundle(tmp_path).for_role("control-plane") == (KUBELET, ETCD)
    assert bundle(tmp_path).for_role("operator") == ()


def test_artifacts_are_found_by_name(tmp_path: Path) -> None:
    here = bundle(tmp_path)
    assert here.named("etcd") == ETCD
    assert here.file(ETCD) == tmp_path / "images" / "etcd.tar"
    with pytest.raises(BundleError, match="has no artifact 'pause'"):
        here.named("pause")


def test_the_digest_identifies_the_content(tmp_path: Path) -> None:
    digest = bundle(tmp_path).digest
    same = Bundle(tmp_path / "other", "v1.36.3", "amd64", "mirror", (ETCD, KUBELET))
    assert same.digest == digest
    for other in (
        replace(KUBELET, sha256="ef" * 32),
        replace(KUBELET, install="/usr/bin/kubelet"),
        replace(KUBELET, name="kubelet2"),
    ):
        assert bundle(tmp_path, other, ETCD).digest != digest


def test_a_missing_bundle_error_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no bundle at .*run `make bundle`"):
        Bundle.load(tmp_path / "none")


def test_a_cluster_s_supplements_are_part_of_what_its_machines_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    folder = paths.bundle_dir("v1.36.3")
    folder.mkdir(parents=True)
    bundle(folder).write()
    assert Bundle.of("v1.36.3") == bundle(folder)
    with pytest.raises(BundleError, match=r"there is no bundle at .*calico.*run `make bundle`"):
        Bundle.of("v1.36.3", supplements=["calico"])
    node = replace(ETCD, name="node", path="images/node.tar", roles=("control-plane", "worker"))
    extra = paths.supplement_dir("calico")
    extra.mkdir()
    Bundle(extra, "", "amd64", "built", (node,)).write()
    both = Bundle.of("v1.36.3", supplements=["calico"])
    assert [each.name for each in both.for_role("worker")] == ["kubelet", "node"]
    assert both.file(both.named("node")) == extra / "images/node.tar"
    assert both.file(both.named("kubelet")) == bundle(folder).file(KUBELET)
    assert both.digest != Bundle.of("v1.36.3").digest


def _edit(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        document["artifacts"][0][key] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda document: document.pop("artifacts"), "has no 'artifacts'"),
        (lambda document: document["artifacts"][0].pop("roles"), "has no 'roles'"),
        (lambda document: document["artifacts"][0].pop("size"), "size"),
        (_edit("surprise", 1), "surprise"),
        (_edit("sha256", "abc"), "no sha256"),
        (_edit("path", "../../etc/passwd"), "outside of the bundle"),
        (_edit("path", "/etc/passwd"), "outside of the bundle"),
        (_edit("install", "bin/kubelet"), "no absolute path"),
        (_edit("install", "/usr/../etc/kubelet"), "no absolute path"),
        (_edit("install", None), "no absolute path"),
        (_edit("kind", "script"), "neither a binary nor an image"),
        (_edit("kind", "image"), "neither a binary nor an image"),
        (_edit("name", "kubelet\tx"), "invalid name, version, path or role"),
        (_edit("name", "$(reboot)"), "invalid name, version, path or role"),
    ],
)
def test_an_inconsistent_manifest_is_rejected(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], reason: str
) -> None:
    bundle(tmp_path).write()
    manifest = tmp_path / "manifest.json"
    document = json.loads(manifest.read_text())
    edit(document)
    manifest.write_text(json.dumps(document))
    with pytest.raises(BundleError, match=reason) as raised:
        Bundle.load(tmp_path)
    assert str(manifest) in str(raised.value)
    assert "make bundle" in str(raised.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "{}"])
def test_a_truncated_manifest_is_rejected(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(BundleError, match="cannot be read"):
        Bundle.load(tmp_path)
