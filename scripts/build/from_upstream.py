"""Bundles downloaded from upstream's releases, or from a mirror with the same layout.

Binaries are verified with the checksums that upstream publishes beside them, those of a mirror with
checksums that the caller gives; images with the digests in their registry, a mirror's included.
model/artifacts/upstream.py defines the URLs and a mirror's layout.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Lock

from model.artifacts.bundle import Artifact
from model.artifacts.upstream import LOCAL, REGISTRIES, Download, downloads, unverified
from model.files import replacing
from scripts.build import arch as architectures
from scripts.build import manifest_entries, ocilayout
from scripts.build.archive import extract_programs
from scripts.build.cache_entry import BuildError
from scripts.build.download import all_reachable, fetch, published_sum
from scripts.build.parallel import in_parallel
from scripts.build.progress import task
from scripts.build.registry import Registry

PROBE_SECONDS = 5
PARALLEL = 4


def is_reachable(version: str, arch: str) -> bool:
    """Return, within seconds, whether every host that serves a part of a bundle is reachable."""
    sums = {download.sums for download in downloads(version, arch, None)}
    return all_reachable([*sums, *(f"https://{host}/v2/" for host in REGISTRIES)], PROBE_SECONDS)


def artifacts(
    folder: Path, version: str, arch: str, mirror: str | None, sums: Mapping[str, str]
) -> tuple[Artifact, ...]:
    """Download what is missing in the folder and return all artifacts.

    `sums` are the checksums of a mirror's files, by their address on their project's own site.
    """
    fetch = partial(_fetch, mirror=mirror, sums=sums)
    kubeadm = _kubeadm_of_host(folder, version, arch, mirror, fetch)
    references = manifest_entries.images(kubeadm, version)
    required = [
        *downloads(version, arch, mirror),
        *_etcd_tools(manifest_entries.etcd_version(references), arch, mirror),
    ]
    _require_sums(required, mirror, sums)
    by_url: dict[str, list[Download]] = defaultdict(list)
    for download in required:
        by_url[download.url].append(download)
    blobs = _Blobs(folder / "work" / "blobs")
    fetches: list[Callable[[], None]] = [partial(fetch, folder, group) for group in by_url.values()]
    fetches += _image_fetches(folder, arch, references, mirror, blobs)
    in_parallel(fetches, PARALLEL)
    return (
        *(manifest_entries.binary(folder, file.install, _version(file, version), file.url)
          for file in required),
        *_image_entries(folder, references),
    )  # fmt: skip


def images(
    folder: Path, arch: str, references: Mapping[str, str], mirror: str | None
) -> tuple[Artifact, ...]:
    """Download the images that are missing in the folder and return them as artifacts."""
    blobs = _Blobs(folder / "work" / "blobs")
    in_parallel(_image_fetches(folder, arch, references, mirror, blobs), PARALLEL)
    return _image_entries(folder, references)


def _image_fetches(
    folder: Path, arch: str, references: Mapping[str, str], mirror: str | None, blobs: "_Blobs"
) -> list[Callable[[], None]]:
    return [
        partial(_fetch_image, folder, arch, name, reference, mirror, blobs)
        for name, reference in references.items()
    ]


def _image_entries(folder: Path, references: Mapping[str, str]) -> tuple[Artifact, ...]:
    return tuple(
        manifest_entries.image(folder, name, reference, reference)
        for name, reference in references.items()
    )


def _require_sums(files: Sequence[Download], mirror: str | None, sums: Mapping[str, str]) -> None:
    if missing := unverified(files, mirror, sums):
        raise BuildError(
            f"there is no checksum of {', '.join(missing)}: a mirror cannot vouch for itself. Set "
            "artifacts.sums, or give each with --sum ADDRESS=SHA256; where the projects' sites can "
            "be reached, `fleet build sums` prints those of most files"
        )


def _kubeadm_of_host(
    folder: Path, version: str, arch: str, mirror: str | None, fetch: Callable[..., None]
) -> Path:
    """Return a kubeadm for this host's architecture."""
    kubeadm = next(
        download
        for download in downloads(version, architectures.host(), mirror)
        if download.install == f"{LOCAL}/kubeadm"
    )
    target = folder if arch == architectures.host() else folder / "work" / "host"
    fetch(target, [kubeadm])
    return target / "bin" / "kubeadm"


def _etcd_tools(version: str, arch: str, mirror: str | None) -> Iterator[Download]:
    base = f"{mirror.rstrip('/')}/github.com" if mirror else "https://github.com"
    release = f"{base}/etcd-io/etcd/releases/download/{version}"
    name = f"etcd-{version}-linux-{arch}"
    for tool in ("etcdctl", "etcdutl"):
        yield Download(
            f"{LOCAL}/{tool}", f"{release}/{name}.tar.gz", f"{release}/SHA256SUMS", f"{name}/{tool}"
        )


def _fetch(
    folder: Path, group: list[Download], *, mirror: str | None, sums: Mapping[str, str]
) -> None:
    """Download a URL into the folder's `bin`: the file itself, or members of an archive."""
    binaries = folder / "bin"
    missing = {
        name: download.member
        for download in group
        if not (binaries / (name := PurePosixPath(download.install).name)).exists()
    }
    if not missing:
        return
    _require_sums(group, mirror, sums)
    url, published = group[0].url, group[0].sums
    file = url.rsplit("/", 1)[-1]
    archive = folder / "work" / file
    with task(f"downloading {url}"):
        if not archive.exists():
            known = sums[group[0].address(mirror)] if mirror else published_sum(published, file)
            fetch(url, archive, known)
        members = {name: member for name, member in missing.items() if member}
        if members:
            extract_programs(archive, members, binaries)
        else:
            with replacing(binaries / file) as part:
                shutil.copyfile(archive, part)
                part.chmod(0o755)
        archive.unlink()


def _fetch_image(
    folder: Path, arch: str, name: str, reference: str, mirror: str | None, blobs: "_Blobs"
) -> None:
    target = folder / manifest_entries.image_path(name)
    if target.exists():
        return
    host, _, path = reference.partition("/")
    repository, _, tag = path.rpartition(":")
    base, stands_for = (mirror, host) if mirror else (f"https://{host}", None)
    with task(f"downloading {reference}"):
        registry = Registry(base, repository, stands_for)
        manifest = registry.manifest(tag, arch)
        for digest in manifest.blobs:
            blobs.keep(registry, digest)
        with replacing(target) as part:
            ocilayout.write(reference, manifest, blobs.folder, part)


class _Blobs:
    """The blobs of all images, which share their base layers: each is downloaded once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def keep(self, registry: Registry, digest: str) -> None:
        target = self.folder / digest.removeprefix("sha256:")
        with self._locks[digest]:
            if not target.exists():
                registry.blob(digest, target)


def _version(download: Download, kubernetes_version: str) -> str:
    """Return the version of a download; releases on GitHub have it in their URL."""
    found = download.url.rpartition("/releases/download/")[2].partition("/")[0]
    return found if "/releases/download/" in download.url else kubernetes_version
