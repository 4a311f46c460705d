"""Manifest entries of a bundle's files, shared by downloaded and built bundles."""

from pathlib import Path, PurePosixPath

from model import pins
from model.artifacts.bundle import Artifact
from model.machine import CONTROL_PLANE, WORKER
from scripts.build.cache_entry import BuildError
from scripts.build.download import sha256
from scripts.build.shell import run

OPERATOR = "operator"
NODES = (CONTROL_PLANE, WORKER)
# Everything else is for both roles.
ROLES = {
    "kubectl": (*NODES, OPERATOR),
    **dict.fromkeys(("etcdctl", "etcdutl", "etcd"), (CONTROL_PLANE,)),
    **dict.fromkeys(
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler"), (CONTROL_PLANE,)
    ),
}
# The images that kubeadm lists in every supported version.
KUBEADM_IMAGES = {
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns",
    "pause", "etcd",
}  # fmt: skip


def binary(folder: Path, install: str, version: str, origin: str) -> Artifact:
    """Describe an executable in the bundle's `bin`, to be installed at `install`."""
    name = PurePosixPath(install).name
    path = f"bin/{name}"
    return Artifact(
        name=name,
        version=version,
        kind="binary",
        path=path,
        install=install,
        origin=origin,
        sha256=sha256(folder / path),
        size=(folder / path).stat().st_size,
        roles=ROLES.get(name, NODES),
    )


def image(folder: Path, name: str, reference: str, origin: str) -> Artifact:
    """Describe an image in the bundle's `images`."""
    path = image_path(name)
    return Artifact(
        name=name,
        version=tag_of(reference),
        kind="image",
        path=path,
        image=reference,
        origin=origin,
        sha256=sha256(folder / path),
        size=(folder / path).stat().st_size,
        roles=ROLES.get(name, NODES),
    )


def image_path(name: str) -> str:
    """Return the path of an image in a bundle."""
    return f"images/{name}.tar"


def images(kubeadm: Path, version: str) -> dict[str, str]:
    """Return the reference of each image by name: those of kubeadm and of the pod network."""
    listed = run([str(kubeadm), "config", "images", "list", "--kubernetes-version", version])
    found = {_name(reference): reference for reference in listed.split()}
    if found.keys() != KUBEADM_IMAGES:
        raise BuildError(
            f"kubeadm {version} needs the images {', '.join(sorted(found)) or 'none'}, but only "
            f"{', '.join(sorted(KUBEADM_IMAGES))} are known: this version is not supported yet"
        )
    return {
        **found,
        "flannel": f"ghcr.io/flannel-io/flannel:{pins.FLANNEL}",
        "flannel-cni-plugin": f"ghcr.io/flannel-io/flannel-cni-plugin:{pins.FLANNEL_CNI_PLUGIN}",
    }


def supplement_images(name: str) -> dict[str, str]:
    """Return the reference of each image of a supplement by name."""
    return {
        "calico": {
            "calico-node": f"quay.io/calico/node:{pins.CALICO}",
            "calico-cni": f"quay.io/calico/cni:{pins.CALICO}",
        },
        "metrics-server": {
            "metrics-server": "registry.k8s.io/metrics-server/metrics-server:"
            f"{pins.METRICS_SERVER}",
        },
    }[name]


def etcd_version(references: dict[str, str]) -> str:
    """Return etcd's version; the tag of its image ends in the image's own revision ("3.6.8-0")."""
    return "v" + tag_of(references["etcd"]).partition("-")[0].removeprefix("v")


def tag_of(reference: str) -> str:
    """Return the tag of an image's reference."""
    return reference.rpartition(":")[2]


def _name(reference: str) -> str:
    return reference.rpartition(":")[0].rsplit("/", 1)[-1]
