"""Fake upstream releases of one Kubernetes version, in upstream's layout."""

import hashlib
import io
import tarfile
from collections.abc import Mapping

from scripts.build import arch
from tests.scripts.build.images import put_image
from tests.scripts.build.server import Server

VERSION = "v1.36.3"
ETCD = "v3.6.8"
IMAGES = (
    f"registry.k8s.io/kube-apiserver:{VERSION}",
    f"registry.k8s.io/kube-controller-manager:{VERSION}",
    f"registry.k8s.io/kube-scheduler:{VERSION}",
    f"registry.k8s.io/kube-proxy:{VERSION}",
    "registry.k8s.io/coredns/coredns:v1.14.2",
    "registry.k8s.io/pause:3.10.2",
    "registry.k8s.io/etcd:3.6.8-0",
)
FLANNEL = (
    "ghcr.io/flannel-io/flannel:v0.28.10",
    "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3",
)
# Only the one of this host can run; the other stands for a program of a foreign machine.
KUBEADM = "#!/bin/sh\n# kubeadm for {arch}\nprintf '%s\\n' " + " ".join(IMAGES) + "\n"
CNI_PLUGINS = ("bridge", "loopback", "host-local", "portmap", "firewall", "vlan")


def put_releases(server: Server, prefix: str = "") -> None:
    """Serve all that a bundle is made of, for amd64 and arm64, below `prefix`."""
    for each in arch.SUPPORTED:
        _put_kubernetes(server, prefix, each)
        _put_archives(server, prefix, each)
    for reference in (*IMAGES, *FLANNEL):
        repository, _, tag = reference.partition("/")[2].rpartition(":")
        put_image(server, repository, tag, reference)


def kubernetes_path(name: str, architecture: str) -> str:
    """Return the path of one of Kubernetes' programs."""
    return f"/dl.k8s.io/release/{VERSION}/bin/linux/{architecture}/{name}"


def from_mirror(server: Server) -> tuple[str, ...]:
    """Return the options for a bundle from this mirror, with the sums that upstream published."""
    options = ["--mirror", server.base]
    for path, found in server.resources.items():
        folder, _, name = path.lstrip("/").rpartition("/")
        if name.endswith((".sha256", ".sha256sum")):
            options += [
                "--sum",
                f"{folder}/{name.rsplit('.', 1)[0]}={found.content.decode().split()[0]}",
            ]
        elif name == "SHA256SUMS":
            for line in found.content.decode().splitlines():
                digest, file = line.split()
                options += ["--sum", f"{folder}/{file}={digest}"]
    return tuple(options)


def _put_kubernetes(server: Server, prefix: str, architecture: str) -> None:
    kubeadm = KUBEADM.format(arch=architecture) if architecture == arch.host() else "foreign"
    programs = {"kubeadm": kubeadm, "kubelet": "kubelet " * 5000, "kubectl": "kubectl"}
    for name, text in programs.items():
        path = prefix + kubernetes_path(name, architecture)
        content = f"{text}{'' if name == 'kubeadm' else architecture}".encode()
        server.put(path, content)
        server.put(f"{path}.sha256", _sum(content).encode())


def _put_archives(server: Server, prefix: str, architecture: str) -> None:
    github = f"{prefix}/github.com"
    names = ("containerd", "containerd-shim-runc-v2", "ctr", "containerd-stress")
    content = archive({f"bin/{name}": f"{name} {architecture}" for name in names})
    file = f"containerd-2.2.1-linux-{architecture}.tar.gz"
    path = f"{github}/containerd/containerd/releases/download/v2.2.1/{file}"
    server.put(path, content)
    server.put(f"{path}.sha256sum", f"{_sum(content)}  {file}\n".encode())

    content = archive({f"./{name}": f"{name} {architecture}" for name in CNI_PLUGINS})
    file = f"cni-plugins-linux-{architecture}-v1.9.0.tgz"
    path = f"{github}/containernetworking/plugins/releases/download/v1.9.0/{file}"
    server.put(path, content)
    server.put(f"{path}.sha256", f"{_sum(content)}  {file}\n".encode())

    top = f"etcd-{ETCD}-linux-{architecture}"
    content = archive(
        {f"{top}/{name}": f"{name} {architecture}" for name in ("etcd", "etcdctl", "etcdutl")}
    )
    release = f"{github}/etcd-io/etcd/releases/download/{ETCD}"
    server.put(f"{release}/{top}.tar.gz", content)
    sums = server.resources.setdefault(f"{release}/SHA256SUMS", server.put("/unused", b""))
    sums.content += f"{_sum(content)}  {top}.tar.gz\n".encode()


def archive(files: Mapping[str, str]) -> bytes:
    """Return a compressed tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(text), 0o755
            opened.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
