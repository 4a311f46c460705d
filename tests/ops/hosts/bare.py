"""Bare hosts for tests: a Debian with SSH and a user, as delivered by a cloud or a data centre.

Their root is plain, without what Kubernetes needs. The packages for that lie in a package source of
the host itself, so that a test installs them with the host's own apt and no traffic leaves the
machine.
"""

import gzip
import hashlib
import subprocess
from pathlib import Path

from model import paths
from model.files import replacing
from model.machine_image import BOOT, BOOT_UNIT
from scripts.build import debian, image
from scripts.build.cache_entry import locked
from scripts.build.shell import copy_tree, run

USER = "ubuntu"
NEEDED = (
    "runc",
    "conntrack",
    "socat",
    "ethtool",
    "ipset",
    "curl",
    "haproxy",
    "keepalived",
)
SOURCE = "srv/packages"


def bare_image() -> Path:
    """Return an image of bare hosts with the image maker's own base, made if there is none."""
    base = image.base_root()
    key = debian.recipe_hash(base.parent.name, *NEEDED, BOOT, Path(__file__).read_text())
    folder = paths.image_dir(f"bare-{key}")
    with locked(folder):
        if not folder.exists():
            with replacing(folder) as part:
                part.mkdir()
                root = part / "root"
                copy_tree(base, root)
                source = root / SOURCE
                source.mkdir(parents=True)
                run(["apt-get", "update"])
                run(["apt-get", "download", *NEEDED], cwd=source)
                strip(root)
                furnish(root)
    return folder


def strip(root: Path) -> None:
    """Remove what plain hosts do not have, and offer it as packages in a local source."""
    run(["chroot", str(root), "dpkg", "--purge", "--force-depends", *NEEDED])
    for service in ("haproxy", "keepalived"):
        (root / f"etc/systemd/system/{service}.service").unlink()
    source = root / SOURCE
    index = "\n".join(_entry(package) for package in sorted(source.glob("*.deb")))
    (source / "Packages.gz").write_bytes(gzip.compress(index.encode()))
    for file in (root / "etc/apt/sources.list.d").iterdir():
        file.unlink()
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:/{SOURCE} ./\n")
    for file in (root / "etc/apt/apt.conf.d").glob("*proxy*"):
        file.unlink()


def _entry(package: Path) -> str:
    """A package's paragraph in the index of its source (deb822, as dpkg-scanpackages writes it)."""
    content = package.read_bytes()
    about = subprocess.run(
        ["dpkg-deb", "--field", str(package)], capture_output=True, text=True, check=True
    ).stdout
    return (
        f"{about.strip()}\nFilename: ./{package.name}\nSize: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def furnish(root: Path) -> None:
    """Add a user with sudo, and restore what nspawn removes from a machine."""
    run(["chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", USER])
    sudoers = root / "etc/sudoers.d/user"
    sudoers.write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    sudoers.chmod(0o440)
    (root / "usr/lib/modules").mkdir(exist_ok=True)
    boot = root / "usr/local/sbin/kubeadm-fleet-boot"
    boot.write_text(BOOT)
    boot.chmod(0o755)
    (root / "etc/systemd/system/test-boot.service").write_text(BOOT_UNIT)
    run(["chroot", str(root), "systemctl", "enable", "--quiet", "test-boot", "ssh"])
