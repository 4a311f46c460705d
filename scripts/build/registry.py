"""A read-only, anonymous client of container registries.

OCI distribution specification, "Pull":
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from scripts.build.cache_entry import BuildError
from scripts.build.download import fetch, read_url

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """The manifest of an image for one architecture."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The digest of the manifest itself."""
        return digest_of(self.content)

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests of its config and its layers."""
        document = _document(self.content, "the image's manifest")
        try:
            named = [
                document["config"]["digest"],
                *(layer["digest"] for layer in document["layers"]),
            ]
        except (KeyError, TypeError) as error:
            raise BuildError(f"the image's manifest {self.digest} lacks {error}") from None
        return tuple(_checked_digest(digest) for digest in named)


class Registry:
    """One repository of one registry, by the registry's base URL.

    `stands_for` is the host whose images a mirror serves: a mirror of several registries receives
    it as the query parameter `ns`, as containerd sends it.
    """

    def __init__(self, base: str, repository: str, stands_for: str | None = None) -> None:
        self._url = f"{base.rstrip('/')}/v2/{repository}"
        self._base = base
        self._session = requests.Session()
        self._parameters = {"ns": stands_for} if stands_for else {}

    def manifest(self, tag: str, arch: str) -> Manifest:
        """Return the manifest that `tag` names for linux/`arch`."""
        content, media_type = self._read(tag, (*INDEX_TYPES, *MANIFEST_TYPES))
        if media_type in INDEX_TYPES:
            digest = _digest_for(content, arch, f"{self._url}:{tag}")
            content, media_type = self._read(digest, MANIFEST_TYPES)
            if digest_of(content) != digest:
                raise BuildError(
                    f"{self._url}: the manifest {digest} arrived corrupted or truncated"
                )
        if media_type not in MANIFEST_TYPES:
            raise BuildError(f"{self._url}:{tag} is not an image but {media_type!r}")
        return Manifest(content, media_type)

    def blob(self, digest: str, target: Path) -> None:
        """Download the blob `digest` to `target`."""
        url = f"{self._url}/blobs/{_checked_digest(digest)}"
        fetch(url, target, digest.removeprefix("sha256:"), self._get)

    def _read(self, reference: str, accepted: tuple[str, ...]) -> tuple[bytes, str]:
        """Return a manifest's bytes and its type, from the response's header."""
        types: list[str] = []

        def get(url: str, **more: Any) -> requests.Response:
            answer = self._get(url, **more)
            types[:] = [answer.headers.get("Content-Type", "").partition(";")[0].strip()]
            return answer

        url = f"{self._url}/manifests/{reference}"
        content = read_url(url, get, {"Accept": ", ".join(accepted)})
        return content, types[0]

    def _get(self, url: str, **more: Any) -> requests.Response:
        answer = self._session.get(url, params=self._parameters, **more)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            answer.close()
            self._authorize(answer.headers.get("WWW-Authenticate", ""))
            answer = self._session.get(url, params=self._parameters, **more)
        return answer

    def _authorize(self, challenge: str) -> None:
        """Request the anonymous token described in the registry's challenge.

        https://distribution.github.io/distribution/spec/auth/token/
        """
        scheme, _, rest = challenge.partition(" ")
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = fields.pop("realm", None)
        if scheme.lower() != "bearer" or realm is None:
            raise BuildError(
                f"{self._base} requires a login ({challenge or 'unspecified'}): "
                "only anonymous access is supported"
            )
        query = "&".join(f"{key}={quote(value)}" for key, value in fields.items())
        document = _document(read_url(f"{realm}?{query}"), f"the response of {realm}")
        token = document.get("token") or document.get("access_token")
        if not token:
            raise BuildError(f"{realm} returned no token for anonymous access")
        self._session.headers["Authorization"] = f"Bearer {token}"


def digest_of(content: bytes) -> str:
    """Return the digest of a document."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _digest_for(index: bytes, arch: str, what: str) -> str:
    """Return the digest of the image for linux/`arch` in an index."""
    for entry in _document(index, f"the index of {what}").get("manifests") or ():
        platform: Mapping[str, str] = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", arch):
            return _checked_digest(entry.get("digest"))
    raise BuildError(f"{what} has no image for linux/{arch}")


def _checked_digest(digest: object) -> str:
    """Reject anything but a sha256 digest: it becomes part of a URL and a file name."""
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise BuildError(f"the registry returned {digest!r} instead of a sha256 digest")
    return digest


def _document(content: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise BuildError(f"{what} is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise BuildError(f"{what} is not a JSON object")
    return document
