"""When the certificate of an API server expires, as anybody who connects to it sees."""

import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ops.kube.access import Access

HTTPS_PORT = 443


def validity(access: Access, seconds: float) -> tuple[datetime, datetime] | None:
    """Return from when and until when it is valid; None if that cannot be read.

    Several API servers behind one endpoint have a certificate each: this is that of one of them.
    """
    url = urlsplit(access.server)
    if url.scheme != "https" or access.proxy or access.tls.verify_mode is ssl.CERT_NONE:
        return None
    host = url.hostname or ""
    try:
        with (
            socket.create_connection((host, url.port or HTTPS_PORT), timeout=seconds) as plain,
            access.tls.wrap_socket(plain, server_hostname=access.server_name or host) as tls,
        ):
            shown = tls.getpeercert() or {}
        begin, end = (_time(str(shown[key])) for key in ("notBefore", "notAfter"))
    except (OSError, KeyError, ValueError):
        return None
    return begin, end


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
