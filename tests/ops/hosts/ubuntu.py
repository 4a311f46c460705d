"""Bare hosts with Ubuntu, from the archive that a setting names.

The setting is the variable ARCHIVE: the address of a folder with Ubuntu's `dists` and `pool`. Tests
that need these hosts bear the mark `ubuntu`, and are deselected where it is not set.
"""

import hashlib
import os
import subprocess
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

from model import paths
from model.files import remove, replacing
from model.machine_image import BOOT, MASKED, PACKAGES
from scripts.build import debian, image
from scripts.build.cache_entry import locked
from scripts.build.shell import run
from tests.ops.hosts.bare import NEEDED, SOURCE, furnish, strip

ARCHIVE = "KUBEADM_FLEET_UBUNTU_ARCHIVE"
CODENAME = "noble"
# Ubuntu's own keys, which Debian does not carry.
KEYRING = "pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
KEYRING_SHA256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"
KEYS = "usr/share/keyrings/ubuntu-archive-keyring.gpg"
DOWNLOAD_SECONDS = 60


def ubuntu_image() -> Path:
    """Return an image of bare hosts with Ubuntu, made if there is none."""
    key = debian.recipe_hash(*PACKAGES, *MASKED, *NEEDED, BOOT, Path(__file__).read_text())
    folder = paths.image_dir(f"{CODENAME}-{key}")
    with locked(folder):
        if not folder.exists():
            with replacing(folder) as part, TemporaryDirectory() as scratch:
                _make(part / "root", Path(scratch))
    return folder


def _make(root: Path, scratch: Path) -> None:
    release = debian.Release(CODENAME, _sources(_keys(scratch)))
    kept = scratch / "packages"
    kept.mkdir()
    # When mmdebstrap ends, its downloads still exist.
    keep = f'--customize-hook=cp "$1"/var/cache/apt/archives/*.deb {kept}'
    image.make_plain(root, release, [keep])
    source = root / SOURCE
    source.mkdir(parents=True)
    for name in NEEDED:
        (package,) = kept.glob(f"{name}_*.deb")
        (source / package.name).write_bytes(package.read_bytes())
    strip(root)
    furnish(root)
    # There the socket accepts logins, and starts the service on demand.
    remove(root / "etc/systemd/system/ssh.socket")
    run(["chroot", str(root), "systemctl", "enable", "--quiet", "ssh.socket"])


def _archive() -> str:
    return os.environ[ARCHIVE].rstrip("/")


def _keys(scratch: Path) -> Path:
    package = scratch / "keyring.deb"
    with urllib.request.urlopen(f"{_archive()}/{KEYRING}", timeout=DOWNLOAD_SECONDS) as answer:
        content = answer.read()
    assert hashlib.sha256(content).hexdigest() == KEYRING_SHA256
    package.write_bytes(content)
    folder = scratch / "keyring"
    subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=True)
    return folder / KEYS


def _sources(keys: Path) -> str:
    suites = (CODENAME, f"{CODENAME}-updates", f"{CODENAME}-security")
    return "".join(
        f"deb [signed-by={keys}] {_archive()} {suite} main universe\n" for suite in suites
    )
