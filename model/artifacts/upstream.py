"""URLs of upstream releases, for hosts that download artifacts themselves.

Without a mirror, the checksum of a file is the one that its project publishes beside it: TLS
vouches for both. A mirror serves both too, so its own checksums would prove nothing: they come
from the config, by the file's address on its project's site.

A mirror is one base URL with upstream's host as the first part of the path
(https://mirror.example.com/dl.k8s.io/release/...); as a registry it serves the images of all
registries, by their path alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.pins import CNI_PLUGINS, CONTAINERD

# The registries of every cluster's images (kubeadm's and the pod network's), and of supplements.
REGISTRIES = ("registry.k8s.io", "ghcr.io")
SUPPLEMENT_REGISTRIES = {"calico": "quay.io", "metrics-server": "registry.k8s.io"}

LOCAL = "/usr/local/bin"
CNI = "/opt/cni/bin"


@dataclass(frozen=True)
class Download:
    """A download: `url`, the URL `sums` of its checksum, and `member` if `url` is an archive."""

    install: str
    url: str
    sums: str
    member: str | None = None

    def address(self, mirror: str | None) -> str:
        """Return where the file's project publishes it, without https://."""
        return self.url.removeprefix(f"{mirror.rstrip('/')}/" if mirror else "https://")


def registries(choices: Iterable[str]) -> tuple[str, ...]:
    """Return the registries of the images of a cluster with these choices (network, policies)."""
    further = (SUPPLEMENT_REGISTRIES[name] for name in choices if name in SUPPLEMENT_REGISTRIES)
    return tuple(dict.fromkeys((*REGISTRIES, *further)))


def unverified(
    files: Iterable[Download], mirror: str | None, sums: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the addresses of files that come from a mirror and have no checksum of their own."""
    addresses = dict.fromkeys(file.address(mirror) for file in files) if mirror else {}
    return tuple(address for address in addresses if address not in sums)


def downloads(kubernetes_version: str, arch: str, mirror: str | None) -> tuple[Download, ...]:
    """Return the downloads for machines of any role; `kubernetes_version` such as "v1.36.3"."""
    kubernetes = _url("dl.k8s.io", mirror) + f"/release/{kubernetes_version}/bin/linux/{arch}"
    github = _url("github.com", mirror)
    containerd = (
        f"{github}/containerd/containerd/releases/download/{CONTAINERD}/"
        f"containerd-{CONTAINERD.removeprefix('v')}-linux-{arch}.tar.gz"
    )
    plugins = (
        f"{github}/containernetworking/plugins/releases/download/{CNI_PLUGINS}/"
        f"cni-plugins-linux-{arch}-{CNI_PLUGINS}.tgz"
    )
    return (
        *(
            Download(f"{LOCAL}/{name}", f"{kubernetes}/{name}", f"{kubernetes}/{name}.sha256")
            for name in ("kubeadm", "kubelet", "kubectl")
        ),
        *(
            Download(f"{LOCAL}/{name}", containerd, f"{containerd}.sha256sum", f"bin/{name}")
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        *(
            Download(f"{CNI}/{name}", plugins, f"{plugins}.sha256", f"./{name}")
            for name in ("bridge", "loopback", "host-local", "portmap", "firewall")
        ),
    )


def _url(host: str, mirror: str | None) -> str:
    return f"{mirror.rstrip('/')}/{host}" if mirror else f"https://{host}"
