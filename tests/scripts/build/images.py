"""Container images of a few bytes, in a fake registry."""

import gzip
import hashlib
import io
import json
import tarfile

from tests.scripts.build.server import TOKEN, Server

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


def put_image(
    server: Server, repository: str, tag: str, text: str, *, needs_token: bool = False
) -> dict[str, str]:
    """Serve an image for amd64 and arm64 whose only file says `text`; return its blobs' paths.

    Both share their lowest layer, and its index lists an attestation, as builders make it.
    """
    if needs_token:
        server.put("/token", json.dumps({"token": TOKEN}).encode())
    shared = _layer("etc/shared", "the same in every image")
    paths = {"shared": _put(server, repository, "blobs", shared, LAYER, needs_token)}
    entries = []
    for arch in ("amd64", "arm64"):
        own = _layer("message", f"{text} for {arch}")
        layers = [shared, own]
        config = json.dumps(
            {
                "architecture": arch,
                "os": "linux",
                "config": {},
                "rootfs": {
                    "type": "layers",
                    "diff_ids": [digest(gzip.decompress(layer)) for layer in layers],
                },
            }
        ).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(config, CONFIG),
                "layers": [_descriptor(layer, LAYER) for layer in layers],
            }
        ).encode()
        paths[arch] = _put(server, repository, "blobs", own, LAYER, needs_token)
        paths[f"config-{arch}"] = _put(server, repository, "blobs", config, CONFIG, needs_token)
        paths[f"manifest-{arch}"] = _put(
            server, repository, "manifests", manifest, MANIFEST, needs_token
        )
        platform = {"os": "linux", "architecture": arch}
        entries.append({**_descriptor(manifest, MANIFEST), "platform": platform})
    attestation = {"os": "unknown", "architecture": "unknown"}
    entries.insert(0, {**_descriptor(b"attestation", MANIFEST), "platform": attestation})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    paths["index"] = f"/v2/{repository}/manifests/{tag}"
    server.put(paths["index"], index, INDEX).needs_token = needs_token
    return paths


def digest(content: bytes) -> str:
    """Return the digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _put(
    server: Server, repository: str, kind: str, content: bytes, media_type: str, needs_token: bool
) -> str:
    path = f"/v2/{repository}/{kind}/{digest(content)}"
    server.put(path, content, media_type).needs_token = needs_token
    return path


def _descriptor(content: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def _layer(path: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(text), 0o644
        archive.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)
