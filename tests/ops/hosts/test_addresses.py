"""URLs from which hosts download their artifacts."""

from typing import Any

import pytest

from model.artifacts.upstream import downloads
from ops.errors import OperatorError
from ops.hosts.artifacts import for_host
from tests.model.examples import mirror_sums


def test_urls_of_upstream() -> None:
    found = {each.install: each for each in downloads("v1.36.3", "arm64", None)}
    kubelet = found["/usr/local/bin/kubelet"]
    assert kubelet.url == "https://dl.k8s.io/release/v1.36.3/bin/linux/arm64/kubelet"
    assert kubelet.sums == f"{kubelet.url}.sha256"
    assert found["/usr/local/bin/ctr"].url.startswith(
        "https://github.com/containerd/containerd/releases/download/v"
    )
    assert found["/opt/cni/bin/portmap"].member == "./portmap"


def test_mirror_urls_begin_with_upstream_host_names() -> None:
    found = downloads("v1.36.3", "amd64", "https://mirror.example.com/")
    assert all(
        each.url.startswith(
            (
                "https://mirror.example.com/dl.k8s.io/release/v1.36.3/",
                "https://mirror.example.com/github.com/",
            )
        )
        for each in found
    )


def test_artifacts_without_a_mirror_name_none() -> None:
    upstream: Any = {"source": "upstream", "kubernetes_version": "1.36.3", "arch": "amd64"}
    plain = for_host(**upstream, mirror=None, role="worker")
    mirror = "https://mirror.example.com"
    sums = mirror_sums(mirror)
    mirrored = for_host(**upstream, mirror=mirror, role="worker", sums=sums)
    assert "mirror.example.com" not in plain.downloads
    assert all("mirror.example.com" in row for row in mirrored.downloads.splitlines())
    assert plain.digest != mirrored.digest


def test_files_of_a_mirror_are_verified_with_given_sums() -> None:
    mirror = "https://mirror.example.com"
    known: dict[str, str] = {}
    asked: Any = {"source": "upstream", "kubernetes_version": "v1.36.3", "role": "worker"}
    with pytest.raises(OperatorError, match=r"no checksum of dl.k8s.io/.*cannot vouch for itself"):
        for_host(mirror=mirror, arch="amd64", sums=known, **asked)
    known |= mirror_sums(mirror)
    rows = for_host(mirror=mirror, arch="amd64", sums=known, **asked).downloads.splitlines()
    assert {row.split("\t")[2] for row in rows} == {f"sha256:{'0' * 64}"}
    with pytest.raises(OperatorError, match="linux/arm64/kubeadm"):
        for_host(mirror=mirror, arch="arm64", sums=known, **asked)
    direct = for_host(mirror=None, arch="arm64", **asked).downloads.splitlines()
    assert all(row.split("\t")[2].startswith("https://") for row in direct)
