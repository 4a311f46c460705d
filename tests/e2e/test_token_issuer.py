"""The issuer of the tests: its documents can be read, and its tokens be verified with its keys."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.e2e.token_issuer import DISCOVERY, TokenIssuer, issuing


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with issuing("127.0.0.1") as made:
        yield made


def read(issuer: TokenIssuer, url: str) -> Any:
    tls = ssl.create_default_context(cadata=issuer.ca_pem)
    with urllib.request.urlopen(url, context=tls, timeout=5) as answer:
        return json.loads(answer.read())


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(issuer: TokenIssuer, token: str) -> Any:
    """Return the claims of a token that one of the issuer's keys has signed."""
    discovered = read(issuer, f"{issuer.url}{DISCOVERY}")
    assert discovered["issuer"] == issuer.url
    (key,) = read(issuer, discovered["jwks_uri"])["keys"]
    n, e = (int.from_bytes(decoded(key[part])) for part in ("n", "e"))
    header, claims, signature = token.split(".")
    rsa.RSAPublicNumbers(e, n).public_key().verify(
        decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert json.loads(decoded(header))["kid"] == key["kid"]
    return json.loads(decoded(claims))


def test_tokens_are_verified_with_the_discovered_keys(issuer: TokenIssuer) -> None:
    claims = verify(issuer, issuer.token("alice", groups=["developers"], aud="other"))
    assert (claims["iss"], claims["sub"]) == (issuer.url, "alice")
    assert (claims["groups"], claims["aud"]) == (["developers"], "other")


def test_another_issuer_s_tokens_are_not(issuer: TokenIssuer) -> None:
    with issuing("127.0.0.1") as other, pytest.raises(InvalidSignature):
        verify(issuer, other.token("alice", iss=issuer.url))


def test_other_paths_are_not_found(issuer: TokenIssuer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(issuer, f"{issuer.url}/other")
