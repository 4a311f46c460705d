"""An OpenID Connect issuer for tests: discovery and keys over TLS, and tokens for anybody.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.https_server import HttpsServer

AUDIENCE = "kubernetes"
KEY_ID = "1"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


class TokenIssuer:
    """An issuer: its `url` and the CA of its certificate, `ca_pem`."""

    def __init__(self, url: str, ca_pem: str) -> None:
        self.url, self.ca_pem = url, ca_pem
        self._key = rsa.generate_private_key(65537, 2048)

    def config(self, name: str, **more: Any) -> dict[str, Any]:
        """Return it as an item of `authentication.issuers`."""
        return {
            "name": name,
            "url": self.url,
            "audiences": [AUDIENCE],
            "certificateAuthority": self.ca_pem,
            **more,
        }

    def token(self, subject: str, valid: timedelta = timedelta(minutes=5), **claims: Any) -> str:
        """Return a token; other `claims` may replace those that it has anyway."""
        now = datetime.now(UTC)
        known = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": int((now - timedelta(minutes=10)).timestamp()),
            "exp": int((now + valid).timestamp()),
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        signed = f"{_part(header)}.{_part({**known, **claims})}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"

    def answer(self, path: str) -> dict[str, Any] | None:
        """Return the document at a path."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
        documents: dict[str, dict[str, Any]] = {
            DISCOVERY: {
                "issuer": self.url,
                "jwks_uri": f"{self.url}{KEYS}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            KEYS: {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]},
        }
        return documents.get(path)


@contextmanager
def issuing(address: str) -> Iterator[TokenIssuer]:
    """Serve an issuer at this address of the host until the end of the block."""
    server = HttpsServer(address)
    issuer = TokenIssuer(server.url, server.ca_pem)
    server.handler = _handler(issuer)
    server.start()
    try:
        yield issuer
    finally:
        server.stop()


def _handler(issuer: TokenIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.answer(self.path)
            text = json.dumps(document or {"error": "not found"}).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
