"""Container images as tar files for `ctr images import` (docker-archive layout).

The same content always gives the same bytes: no times, no owners, sorted names.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.build.archive import add_bytes, add_file, add_folder, add_link

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"


@dataclass(frozen=True)
class ImageRecipe:
    """An image: `files` maps paths in it to local files, `links` maps paths to link targets."""

    reference: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    base: Path | None = None
    links: Mapping[str, str] = field(default_factory=dict)


def write(recipe: ImageRecipe, target: Path, architecture: str) -> None:
    """Write the image to `target`."""
    layers = [recipe.base.read_bytes()] if recipe.base else []
    layers.append(_layer(recipe.files, recipe.links))
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {
                "Entrypoint": list(recipe.entrypoint),
                "Cmd": list(recipe.command),
                "User": recipe.user,
                "Env": [PATH],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
            "history": [{} for _ in layers],
        },
        sort_keys=True,
    ).encode()
    name = hashlib.sha256(config).hexdigest()
    entry = {
        "Config": f"{name}.json",
        "RepoTags": [recipe.reference],
        "Layers": [f"{digest}/layer.tar" for digest in digests],
    }
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        add_bytes(archive, f"{name}.json", config)
        for digest, layer in zip(digests, layers, strict=True):
            add_bytes(archive, f"{digest}/layer.tar", layer)
        add_bytes(archive, "manifest.json", json.dumps([entry]).encode())


def _layer(files: Mapping[str, Path], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folders = {str(parent) for path in (*files, *links) for parent in _parents(path)}
        for folder in sorted(folders):
            add_folder(archive, folder)
        for path, source in sorted(files.items()):
            add_file(archive, path.lstrip("/"), source, 0o755)
        for path, target in sorted(links.items()):
            add_link(archive, path.lstrip("/"), target)
    return buffer.getvalue()


def _parents(path: str) -> list[Path]:
    return [parent for parent in Path(path.lstrip("/")).parents if parent != Path()]
