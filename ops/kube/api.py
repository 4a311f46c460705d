"""A Kubernetes API client made from a kubeconfig's text.

The credentials exist as files only while the TLS context reads them, in memory-backed storage, so
that a killed process leaves no key behind on a disk.
"""

import base64
import ssl
import tempfile
import threading
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ops.errors import OperatorError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

TIMEOUT_SECONDS = 15
CONNECT_SECONDS = 5
CONNECTIONS = 32
RETRIES = 3
# For a look that is not vital: once more, since a virtual address may just be moving.
PROBE_RETRIES = 1
NAMES = (
    *("ApiClient", "ApiException", "Configuration", "CoreV1Api", "PolicyV1Api"),
    *("V1DeleteOptions", "V1Eviction", "V1ObjectMeta", "V1Preconditions"),
)
_LOADING = threading.Lock()


def load() -> None:
    """Import the Kubernetes client, which takes a second, and which only one thread may do.

    Its modules load each other when one of their names is first asked for; of two threads that do
    so at once, one would get half a module.
    """
    with _LOADING:
        from kubernetes import client, dynamic

        for name in NAMES:
            getattr(client, name)
        getattr(dynamic, "DynamicClient")  # noqa: B009 (it is loaded by asking for it)


def client(kubeconfig: str, *, retries: int = RETRIES) -> "ApiClient":
    """Return a client for the current context of `kubeconfig` (YAML text, data embedded)."""
    load()
    import urllib3
    from kubernetes.client import ApiClient, Configuration

    configuration = Configuration()
    configuration.host = server(kubeconfig)
    api = ApiClient(configuration)
    api.rest_client.pool_manager = urllib3.PoolManager(
        ssl_context=tls(kubeconfig),
        retries=urllib3.Retry(total=retries, backoff_factor=0.2),
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=TIMEOUT_SECONDS),
        # One client may be asked by several threads; connections are made as they are needed.
        maxsize=CONNECTIONS,
    )
    return api


def server(kubeconfig: str) -> str:
    """Return the URL of the current context's cluster."""
    cluster, _ = _current(kubeconfig)
    return str(cluster["server"])


def tls(kubeconfig: str) -> ssl.SSLContext:
    """Return what trusts the current context's cluster alone and shows its user's certificate."""
    cluster, user = _current(kubeconfig)
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


def is_unavailable(error: Exception) -> bool:
    """Whether the API did not answer, or answered that it is not well: it may be a moment later."""
    from urllib3.exceptions import HTTPError

    return (
        isinstance(error, HTTPError)
        or getattr(error, "status", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def explain(error: Exception, doing: str, kubeconfig: str) -> OperatorError:
    """Return an error that says what was being done, where, and what the API answered."""
    document = yaml.safe_load(kubeconfig)
    reason = getattr(error, "body", None) or str(error)
    return OperatorError(
        f"{doing} at {server(kubeconfig)} failed: {reason}. Check that the endpoint answers "
        f"(`kubectl --context {document['current-context']} get --raw /readyz`) and run "
        "`pulumi up` again: what is done stays done."
    )


def _current(kubeconfig: str) -> tuple[dict[str, Any], dict[str, Any]]:
    document = yaml.safe_load(kubeconfig)
    context = _named(document["contexts"], document["current-context"])["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    return cluster, _named(document["users"], context["user"])["user"]


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
