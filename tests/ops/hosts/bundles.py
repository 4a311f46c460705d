"""Small bundles for tests, and inputs of hosts that receive them."""

import hashlib
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from model import paths
from model.artifacts.bundle import Artifact, Bundle
from ops.hosts import content
from ops.hosts.login import Login
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost

VERSION = "v1.36.3"
LOGIN_FIELDS = {each.name for each in fields(Login)}
# A table of files without a file.
NO_FILES = ""
FLEET = "0123456789abcdef"


def make_bundle(size: int = 50_000) -> Bundle:
    """Write a bundle with one binary for all, one image for all and one for control planes."""
    folder = paths.bundle_dir(VERSION)
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    bundle = Bundle(
        folder,
        VERSION,
        "amd64",
        "built",
        (
            _artifact(folder, "tool", size, ("control-plane", "worker"), "/usr/local/bin/tool"),
            _artifact(folder, "pause", size, ("control-plane", "worker"), None),
            _artifact(folder, "apiserver", size, ("control-plane",), None),
        ),
    )
    bundle.write()
    return bundle


def make_light_bundle(folder: Path) -> Bundle:
    """Make a bundle of the real one's binaries and its smallest image in `folder`."""
    real = Bundle.load(paths.bundle_dir(VERSION))
    folder.mkdir()
    for name in ("bin", "images"):
        (folder / name).symlink_to(real.folder / name)
    chosen = (*(each for each in real.artifacts if each.kind == "binary"), real.named("pause"))
    light = replace(real, folder=folder, artifacts=chosen)
    light.write()
    return light


def make_another_bundle(bundle: Bundle, folder: Path, version: str, *names: str) -> Bundle:
    """Make a bundle of another version in `folder`, in which these artifacts differ."""
    artifacts = []
    for each in bundle.artifacts:
        target = folder / each.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if each.name not in names:
            target.symlink_to(bundle.file(each).resolve())
            artifacts.append(each)
            continue
        content = bundle.file(each).read_bytes() + b"\0"
        target.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        artifacts.append(replace(each, sha256=digest, size=len(content)))
    another = replace(bundle, folder=folder, kubernetes_version=version, artifacts=tuple(artifacts))
    another.write()
    return another


def _artifact(
    folder: Path, name: str, size: int, roles: tuple[str, ...], install: str | None
) -> Artifact:
    content = os.urandom(size)
    (folder / "bin" / name).write_bytes(content)
    return Artifact(
        name=name,
        version=VERSION,
        kind="binary" if install else "image",
        path=f"bin/{name}",
        origin="random",
        sha256=hashlib.sha256(content).hexdigest(),
        size=size,
        roles=roles,
        install=install,
        image=None if install else f"registry.k8s.io/{name}:v1",
    )


def wanted(host: BareHost, /, **other: Any) -> dict[str, Any]:
    """Return a provider's inputs for the host, as components/drivers.py makes them."""
    login = {
        "host": host.address,
        "port": 22.0,
        "user": USER,
        "sudo": True,
        "host_key": host.host_key,
        "private_key": host.key.private_openssh,
    }
    of_login = {key: other.pop(key) for key in list(other) if key in LOGIN_FIELDS}
    return {
        "fleet": FLEET,
        "machine": host.name,
        "role": "worker",
        "address": host.address,
        "kubernetes_version": VERSION,
        "source": "bundle",
        "login": {key: value for key, value in (login | of_login).items() if value is not None},
        "host_key_check": "pinned",
        "files": content.put(NO_FILES),
        **other,
    }


def sent(host: BareHost) -> dict[str, float]:
    """Return what lies among the host's artifacts, besides the table, and when it came there."""
    folder = host.root / "var/lib/kubeadm-fleet/artifacts"
    return {
        file.name: file.stat().st_ctime_ns
        for file in folder.iterdir()
        if len(file.name) == 64 and file.name != content.put(NO_FILES)
    }
