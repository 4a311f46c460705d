"""The connections to an API server, and why one was not made or gave no answer."""

import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

from ops.kube.access import Access
from ops.kube.errors import CLOSED, NO_SERVER, Expired, Refused, Unavailable

CONNECT_SECONDS = 5.0
CONNECTIONS = 32
# X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL.
HAS_EXPIRED = 10
# A kept-alive connection may lead to a machine that lost power or its virtual address: it is
# detected within seconds, as with a new connection.
SOCKET_OPTIONS = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(CONNECT_SECONDS * 1000)),
]


def of(access: Access) -> urllib3.PoolManager:
    """Return the connections to a server, which are opened on demand."""
    settings: dict[str, Any] = {
        "ssl_context": access.tls,
        "maxsize": CONNECTIONS,
        "socket_options": SOCKET_OPTIONS,
    }
    if access.tls.verify_mode == ssl.CERT_NONE:
        # The kubeconfig wants it so: there is no need to say it with each request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    if access.server_name:
        settings["server_hostname"] = access.server_name
    if access.proxy:
        user = urlsplit(access.proxy)
        login = f"{unquote(user.username)}:{unquote(user.password or '')}" if user.username else ""
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(access.proxy, proxy_headers=headers, **settings)
    return urllib3.PoolManager(**settings)


def no_response(error: urllib3.exceptions.HTTPError) -> Unavailable:
    """Return why there was no answer, as the error that says whether it is worth another try."""
    cause = getattr(error, "reason", None) or error
    reason = cause.__cause__ or cause.__context__ or (cause.args or (None,))[-1]
    if isinstance(reason, ssl.SSLCertVerificationError) and reason.verify_code == HAS_EXPIRED:
        return Expired(None, str(cause))
    if isinstance(reason, CLOSED):
        return Refused(None, NO_SERVER)
    is_refused = isinstance(reason, ConnectionRefusedError)
    return (Refused if is_refused else Unavailable)(None, str(cause))
