"""Hosts that download their artifacts from a mirror that is sometimes corrupt."""

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.fleet import Artifacts
from tests.ops.hosts import mirror as mirrors
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.hosts.bundles import VERSION, wanted
from tests.ops.hosts.mirror import CNI_URL, CONTAINERD_URL, Damage, Mirror
from tests.ops.hosts.steps import files_behind, prepare

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()
ANOTHER = "v1.36.9"
KUBELET = f"dl.k8s.io/release/{VERSION}/bin/linux/amd64/kubelet"
PUBLISHED = "checksum mismatch"


# What happens on the way, and what is said about it.
DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "corrupted binary": (KUBELET, mirrors.corrupted, PUBLISHED),
    "truncated binary": (KUBELET, mirrors.truncated, PUBLISHED),
    "empty binary": (KUBELET, mirrors.empty, PUBLISHED),
    "connection cut": (KUBELET, mirrors.cut_off, "kubelet: curl: (18)"),
    "corrupted archive": (CONTAINERD_URL, mirrors.corrupted, PUBLISHED),
    "truncated archive": (CNI_URL, mirrors.truncated, PUBLISHED),
}


def take_over(host: BareHost, mirror: Mirror) -> dict[str, object]:
    outs = HOSTS.create(wanted(host, source="upstream", mirror=mirror.url, sums=mirror.sums)).outs
    assert outs
    return outs


def test_rejects_files_that_differ_from_upstream(host: BareHost, mirror: Mirror) -> None:
    take_over(host, mirror)
    for what, (path, damage, said) in DAMAGES.items():
        mirror.damage = {path: damage}
        host.shell("rm -rf /var/lib/kubeadm-fleet/artifacts/fetched")
        ran = prepare(host)
        assert ran.status == 1, what
        assert said in ran.said, f"{what}: {ran.said}"
        assert "nothing was installed" in ran.said, what
        assert not list((host.root / "usr/local/bin").glob("*")), what
        assert not list((host.root / "opt").iterdir()), what
        assert not (host.root / "var/lib/kubeadm-fleet/files").exists(), what

    mirror.damage.clear()
    mirror.asked.clear()
    ran = prepare(host)
    assert ran.status == 0, ran.said
    assert mirror.asked == [CNI_URL], "a complete download is not repeated"


def test_installs_once_and_pulls_images_from_the_mirror(host: BareHost, mirror: Mirror) -> None:
    take_over(host, mirror)
    files = files_behind(artifacts=Artifacts("upstream", mirror.url, mirror.sums))
    ran = prepare(host, files)
    assert ran.status == 0, ran.said
    assert VERSION in host.shell("kubelet --version; kubeadm version; ctr --version")
    assert host.shell("ls /opt/cni/bin").split() == [
        "bridge",
        "firewall",
        "host-local",
        "loopback",
        "portmap",
    ]
    assert not (host.root / "var/lib/kubeadm-fleet/artifacts/fetched").exists()
    mirror.asked.clear()
    again = prepare(host, files)
    assert again.status == 0, again.said
    assert "changed" not in again.said
    assert mirror.asked == []

    folder = host.root / "etc/containerd/certs.d"
    own = folder / "registry.example.com/hosts.toml"
    own.parent.mkdir()
    own.write_text('server = "https://registry.example.com"\n')
    pause = host.shell("kubeadm config images list | grep pause").strip()
    host.shell(f"ctr image pull --hosts-dir /etc/containerd/certs.d {pause} 2>&1")
    assert any(path.startswith("v2/pause/blobs/") for path in mirror.asked)

    assert prepare(host).status == 0
    assert not (folder / "registry.k8s.io").exists()
    assert own.exists(), "it is not ours"


def test_images_of_another_version_are_pulled_while_it_is_staged(
    host: BareHost, mirror: Mirror
) -> None:
    outs = take_over(host, mirror)
    files = files_behind(artifacts=Artifacts("upstream", mirror.url, mirror.sums))
    assert prepare(host, files).status == 0
    host.shell(
        "mkdir -p /etc/kubernetes; echo x >/etc/kubernetes/kubelet.conf\n"
        "echo x >/var/lib/kubeadm-fleet/member"
    )
    mirror.serve_as(VERSION, ANOTHER)
    upstream = {
        "source": "upstream",
        "mirror": mirror.url,
        "kubernetes_version": ANOTHER,
        "sums": mirror.sums,
    }
    HOSTS.update("", outs, wanted(host, **upstream))

    proxy = f"v2/kube-proxy/manifests/{ANOTHER}"
    mirror.damage = {proxy: mirrors.truncated}
    ran = prepare(host, KUBERNETES_VERSION=ANOTHER)
    assert ran.status == 1
    assert f"image pulls failed (details above): registry.k8s.io/kube-proxy:{ANOTHER}\n" in ran.said
    mirror.damage.clear()
    assert prepare(host, KUBERNETES_VERSION=ANOTHER).status == 0
    assert pulled(host) == ["coredns", "kube-proxy", "pause"]
    mirror.asked.clear()
    again = prepare(host, KUBERNETES_VERSION=ANOTHER)
    assert again.status == 0, again.said
    assert mirror.asked == []

    assert prepare(host, KUBERNETES_VERSION=ANOTHER, ROLE="control-plane").status == 0
    assert pulled(host) == [
        "coredns",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-proxy",
        "kube-scheduler",
        "pause",
    ]


def pulled(host: BareHost) -> list[str]:
    """Names of Kubernetes' own images on the host."""
    shown = host.shell("ctr --namespace k8s.io images list --quiet").split()
    return sorted(
        each.removeprefix("registry.k8s.io/").partition(":")[0].rpartition("/")[2]
        for each in shown
        if each.startswith("registry.k8s.io/") and "@" not in each
    )


def test_reports_the_file_missing_on_a_mirror(host: BareHost, mirror: Mirror) -> None:
    mirror.serve_as(VERSION, "v1.36.99")
    sums = mirror.sums
    mirror.forget("v1.36.99")
    upstream = {"source": "upstream", "mirror": mirror.url, "sums": sums}
    HOSTS.create(wanted(host, kubernetes_version="v1.36.99", **upstream))
    ran = prepare(host, KUBERNETES_VERSION="v1.36.99")
    assert ran.status == 1
    assert f"{mirror.url}/dl.k8s.io/release/v1.36.99/bin/linux/amd64/kubelet" in ran.said
    assert "404" in ran.said
