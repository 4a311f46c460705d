"""The program's own identity in each cluster: a kubeconfig in a private file on this host.

Resources hold a reference to it, not the credential itself: a renewed certificate changes no
resource. The program writes the file in every run as soon as the credential is known, previews
too; `fleet refresh` and `fleet down`, which run no program, write it from the stack's outputs. It
is replaced atomically, since providers read it at any time.
"""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import yaml

from model import paths
from model.pki import certificates
from ops.errors import OperatorError
from ops.kube import client
from ops.kube.client import Client
from ops.private_file import make_private_folder, write_private


class Identity(TypedDict):
    """A reference to the program's credential, as resources hold it.

    `authority` is the fingerprint of the cluster's CA: two stacks with the same name, in two
    backends, do not share a file.
    """

    stack: str
    cluster: str
    server: str
    authority: str


class IdentityMissing(OperatorError):
    """The credential is not on this host."""


def of(stack: str, kubeconfig: str) -> Identity:
    """Return the identity of a stack's kubeconfig for one cluster."""
    (entry,) = yaml.safe_load(kubeconfig)["clusters"]
    authority = base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()
    return {
        "stack": stack,
        "cluster": entry["name"],
        "server": entry["cluster"]["server"],
        "authority": certificates.fingerprint(authority),
    }


def file(identity: Identity) -> Path:
    """Return the path of the credential."""
    authority = identity["authority"].replace(":", "").lower()
    return _folder(identity["stack"]) / f"{identity['cluster']}-{authority[:16]}"


def save(identity: Identity, kubeconfig: str) -> None:
    """Write the credential, unless it is there already."""
    path = file(identity)
    if _read(path) == kubeconfig:
        return
    state = paths.state_dir()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (path.parent.parent, path.parent):
        make_private_folder(folder)
    write_private(path, kubeconfig)


def connect(identity: Identity) -> Client:
    """Return this process's client for the cluster; raises IdentityMissing."""
    path = file(identity)
    kubeconfig = _read(path)
    if kubeconfig is None:
        stack = identity["stack"]
        raise IdentityMissing(
            f"the program's credential for {identity['cluster']} of the stack {stack} is not on "
            f"this host ({path}): run `fleet preview {stack}` (or `pulumi preview`), which writes "
            "it, then run this command again"
        )
    return client.of(kubeconfig)


def remove(stack: str, used: Iterable[Identity] = ()) -> None:
    """Remove the stack's credentials, except for the used ones."""
    folder = _folder(stack)
    kept = {file(identity) for identity in used}
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if path not in kept:
            path.unlink()
    if not kept and folder.is_dir():
        folder.rmdir()


def _folder(stack: str) -> Path:
    return paths.identities_dir() / stack


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
