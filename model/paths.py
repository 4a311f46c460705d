"""Paths on this host outside the checkout.

The cache can be deleted at any time, even while machines run: it is rebuilt. The state cannot: it
holds the backend and the passphrase of the stacks that this user runs without a backend of their
own. Nor can the folder of the machines, which holds their disks and the images below them.
"""

import os
from pathlib import Path

from model import pins

# The variables with which a user moves these folders.
FOLDERS = (
    *("KUBEADM_FLEET_CACHE", "KUBEADM_FLEET_STATE", "KUBEADM_FLEET_MACHINES"),
    *("XDG_CACHE_HOME", "XDG_STATE_HOME"),
)


def cache_dir() -> Path:
    """Tool chain, bundles, machine images and texts: $KUBEADM_FLEET_CACHE, else the XDG cache."""
    return _from("KUBEADM_FLEET_CACHE") or _xdg("XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """Backend, passphrase and private config: $KUBEADM_FLEET_STATE, else the XDG state."""
    return _from("KUBEADM_FLEET_STATE") or _xdg("XDG_STATE_HOME", ".local/state")


def identities_dir() -> Path:
    """The program's credentials: a kubeconfig per stack and cluster; every run writes its own."""
    return state_dir() / "identities"


def machines_dir() -> Path:
    """Container machines and their images: $KUBEADM_FLEET_MACHINES, else below /var/lib."""
    return _from("KUBEADM_FLEET_MACHINES") or Path("/var/lib/kubeadm-fleet/machines")


def toolchain_dir() -> Path:
    """The folder of executables to add to PATH."""
    return cache_dir() / "toolchain" / pins.PULUMI / "bin"


def bundle_dir(version: str, arch: str = "amd64") -> Path:
    """The bundle of one Kubernetes version ("1.36.3" or "v1.36.3") and architecture."""
    return cache_dir() / "bundles" / f"v{version.removeprefix('v')}-{arch}"


def supplement_dir(name: str, arch: str = "amd64") -> Path:
    """The supplement of bundles for this choice ("calico") and architecture."""
    return cache_dir() / "bundles" / f"{name}-{pins.SUPPLEMENTS[name]}-{arch}"


def image_dir(key: str) -> Path:
    """The machine image of this key."""
    return cache_dir() / "images" / key


def content_dir() -> Path:
    """Texts that machines are sent, each file named by its checksum; every run writes its own."""
    return cache_dir() / "content"


def _from(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).absolute() if value else None


def _xdg(variable: str, below_home: str) -> Path:
    return (_from(variable) or Path.home() / below_home) / "kubeadm-fleet"
