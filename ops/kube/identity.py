"""The program's own identity in each cluster: a kubeconfig in a private file on this host.

Resources hold a reference to it, not the credential itself: a renewed certificate changes no
resource. The program issues it in any run, previews too, as soon as it knows the key of the
cluster's CA; `fleet refresh` and `fleet down`, which run no program, read that key from the state.
So none expires before the run that would renew it. The file is replaced atomically, since providers
read it at any time.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

import yaml

from model import paths
from model.pki import certificates, users
from model.pki.certificates import KeyPair
from model.render import kubeconfig as kubeconfigs
from ops.errors import OperatorError
from ops.kube import client
from ops.kube.client import Client
from ops.private_file import make_private_folder, write_private


class Identity(TypedDict):
    """A reference to the program's credential, as resources hold it.

    `authority` is the ID of the resource of the cluster's CA: two stacks with the same name, in two
    backends, do not share a file. It stays the same while the CA is rotated.
    """

    stack: str
    cluster: str
    server: str
    authority: str


class IdentityMissing(OperatorError):
    """The credential is not on this host, or has expired."""


def file(identity: Identity) -> Path:
    """Return the path of the credential."""
    return _folder(identity["stack"]) / f"{identity['cluster']}-{identity['authority'][:16]}"


def ensure(identity: Identity, authority: KeyPair, trusted: str) -> None:
    """Have a credential on this host; issue one if there is none that is good for long enough.

    `trusted` are the cluster's CAs: during a rotation there are two.
    """
    if _is_current(_read(file(identity)), identity, trusted):
        return
    pair = certificates.issue_client(
        authority, users.PROGRAM, [users.CLUSTER_ADMINS], users.PROGRAM_VALID
    )
    # Its context has the name of the administrator's, which errors tell people to use.
    context = kubeconfigs.Context(
        cluster=identity["cluster"],
        server=identity["server"],
        ca_pem=trusted,
        client_cert_pem=pair.cert_pem,
        client_key_pem=pair.key_pem,
    )
    save(identity, kubeconfigs.render([context]))


def save(identity: Identity, kubeconfig: str) -> None:
    """Write the credential."""
    path = file(identity)
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
        raise _missing(identity, f"is not on this host ({path})")
    expiry = certificates.expiry(_certificate(kubeconfig))
    if expiry <= datetime.now(UTC):
        raise _missing(identity, f"({path}) expired at {expiry:%Y-%m-%d %H:%M} UTC")
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


def _missing(identity: Identity, state: str) -> IdentityMissing:
    stack = identity["stack"]
    return IdentityMissing(
        f"the program's credential for {identity['cluster']} of the stack {stack} {state}: run "
        f"`fleet preview {stack}` (or `pulumi preview`), which issues one, then run this command "
        "again"
    )


def _is_current(kubeconfig: str | None, identity: Identity, trusted: str) -> bool:
    """Whether it is a credential for this endpoint and these CAs that is not to be renewed yet."""
    if kubeconfig is None:
        return False
    try:
        (entry,) = yaml.safe_load(kubeconfig)["clusters"]
        cluster = entry["cluster"]
        return (
            (entry["name"], cluster["server"]) == (identity["cluster"], identity["server"])
            and _pem(cluster["certificate-authority-data"]) == trusted
            and not certificates.is_due(_certificate(kubeconfig))
        )
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        return False


@lru_cache(maxsize=client.CLIENTS)
def _certificate(kubeconfig: str) -> str:
    (entry,) = yaml.safe_load(kubeconfig)["users"]
    return _pem(entry["user"]["client-certificate-data"])


def _pem(data: Any) -> str:
    return base64.b64decode(data).decode()


def _folder(stack: str) -> Path:
    return paths.identities_dir() / stack


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
