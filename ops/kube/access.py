"""Access to a cluster, read from a kubeconfig.

Credentials exist as files only while the TLS context reads them, in memory-backed storage, so
that a killed process leaves no key on a disk.
"""

import binascii
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ops.errors import OperatorError
from ops.kube import credentials

# libyaml's loader, if available, is ten times faster than the pure Python one.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROXIES = ("http", "https")


@dataclass(frozen=True)
class Access:
    """One context: the API server's URL, and a TLS context that trusts that cluster's CA alone.

    A kubeconfig without a CA trusts those of this host. `headers` authenticate, `server_name` is
    what the server's certificate has to name ("" for the URL's host), `proxy` the URL of an HTTP
    proxy ("" for none: those of the environment are never used).
    """

    context: str
    server: str
    tls: ssl.SSLContext
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    server_name: str = ""
    proxy: str = ""

    @classmethod
    def of(cls, kubeconfig: str) -> "Access":
        """Read the current context of a kubeconfig."""
        document = yaml.load(kubeconfig, Loader=Loader)  # noqa: S506 (it is a safe one)
        return cls.of_context(document, document["current-context"], Path())

    @classmethod
    def of_context(cls, document: Mapping[str, Any], name: str, folder: Path) -> "Access":
        """Read a context of a parsed kubeconfig from `folder`; raise OperatorError."""
        try:
            context = _named(document, "context", name)
            cluster = _named(document, "cluster", context["cluster"])
            user = _named(document, "user", context["user"]) if context.get("user") else {}
            found = credentials.of(user, cluster, folder)
            return cls(
                name,
                str(cluster["server"]).rstrip("/"),
                _tls(cluster, found, folder),
                {"Authorization": f"Bearer {found.token}"} if found.token else {},
                str(cluster.get("tls-server-name") or ""),
                _proxy(cluster),
            )
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error, OSError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise OperatorError(
                f"the context {name} of the kubeconfig cannot be used: {reason}"
            ) from None


def _named(document: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    entries: Iterable[Mapping[str, Any]] = document.get(f"{kind}s") or ()
    for entry in entries:
        if entry["name"] == name:
            found: Mapping[str, Any] = entry[kind]
            return found
    raise OperatorError(f"the kubeconfig has no {kind} {name}")


def _proxy(cluster: Mapping[str, Any]) -> str:
    proxy = str(cluster.get("proxy-url") or "")
    if proxy and urlsplit(proxy).scheme not in PROXIES:
        raise OperatorError(
            f"the kubeconfig's proxy-url {proxy} is not supported: use one with http or https"
        )
    return proxy


def _tls(cluster: Mapping[str, Any], user: credentials.Credentials, folder: Path) -> ssl.SSLContext:
    trusted = credentials.content(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=trusted or None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if user.certificate:
        memory = Path("/dev/shm")  # noqa: S108 (deliberately not a disk)
        with tempfile.NamedTemporaryFile(dir=memory if memory.is_dir() else None) as pem:
            pem.write(f"{user.certificate}\n{user.key}".encode())
            pem.flush()
            context.load_cert_chain(pem.name)
    with suppress(AttributeError):
        # Python 3.13 made RFC 5280's stricter reading the default; kubeadm's own CAs predate it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
