"""A downloaded image as a tar file for `ctr images import` (OCI image layout).

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import json
import tarfile
from pathlib import Path

from scripts.build.archive import add_bytes, add_file
from scripts.build.registry import Manifest

VERSION = b'{"imageLayoutVersion": "1.0.0"}'


def write(reference: str, manifest: Manifest, blobs: Path, target: Path) -> None:
    """Write the image to `target`; `blobs` has a file for each digest that the manifest names.

    The same image always gives the same bytes.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        add_bytes(archive, "oci-layout", VERSION)
        add_bytes(archive, "index.json", _index(reference, manifest))
        add_bytes(archive, _path(manifest.digest), manifest.content)
        for digest in sorted(set(manifest.blobs)):
            add_file(archive, _path(digest), blobs / digest.removeprefix("sha256:"))


def _index(reference: str, manifest: Manifest) -> bytes:
    descriptor = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
        "annotations": {
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
        },
    }
    return json.dumps({"schemaVersion": 2, "manifests": [descriptor]}).encode()


def _path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"
