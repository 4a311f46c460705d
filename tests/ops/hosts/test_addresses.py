"""URLs from which hosts download their artifacts."""

from model.artifacts.upstream import downloads
from ops.hosts.artifacts import for_host


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
    upstream = {"source": "upstream", "kubernetes_version": "1.36.3", "arch": "amd64"}
    plain = for_host(**upstream, mirror=None, role="worker")
    mirrored = for_host(**upstream, mirror="https://mirror.example.com", role="worker")
    assert "mirror.example.com" not in plain.downloads
    assert all("mirror.example.com" in row for row in mirrored.downloads.splitlines())
    assert plain.digest != mirrored.digest
