"""Access to a cluster, read from a kubeconfig with embedded credentials.

The credentials exist as files only while the TLS context reads them, in memory-backed storage, so
that a killed process leaves no key on a disk.
"""

import base64
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# libyaml's loader, if available, is ten times faster than the pure Python one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Access:
    """One context: the API server's URL, and a TLS context that trusts that cluster's CA alone."""

    context: str
    server: str
    tls: ssl.SSLContext

    @classmethod
    def of(cls, kubeconfig: str) -> "Access":
        """Read the current context of a kubeconfig."""
        document = yaml.load(kubeconfig, Loader=_Loader)  # noqa: S506 (it is a safe one)
        name = document["current-context"]
        context = _named(document["contexts"], name)["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document["users"], context["user"])["user"]
        return cls(name, str(cluster["server"]).rstrip("/"), _tls(cluster, user))


def _named(entries: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    trusted = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=trusted)
    memory = Path("/dev/shm")  # noqa: S108 (deliberately not a disk)
    with tempfile.NamedTemporaryFile(dir=memory if memory.is_dir() else None) as pem:
        for key in ("client-certificate-data", "client-key-data"):
            pem.write(base64.b64decode(user[key]))
        pem.flush()
        context.load_cert_chain(pem.name)
    with suppress(AttributeError):
        # Python 3.13 made RFC 5280's stricter reading the default; kubeadm's own CAs predate it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
