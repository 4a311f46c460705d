"""Build or download the bundle of a Kubernetes version: everything that its machines need."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from model import paths
from model.artifacts.bundle import MANIFEST, Bundle, BundleError
from model.files import remove
from model.plural import counted
from scripts.build import buildcache, from_source, from_upstream, options
from scripts.build.cache_entry import BuildError, locked, require_space
from scripts.build.download import SUM, sha256
from scripts.build.progress import megabytes, say

SOURCES = ("auto", "upstream", "built")
# Peak disk usage of the finished bundle and its intermediate files.
SPACE = {"upstream": 3 * 10**9, "built": 10 * 10**9}


def make(
    version: str, arch: str, source: str, mirror: str | None, sums: Mapping[str, str]
) -> Bundle:
    """Return the bundle of a Kubernetes version ("v1.36.3"), building it if there is none."""
    folder = paths.bundle_dir(version, arch)
    bundle = _existing(folder, source)
    if bundle is None:
        with locked(folder):
            # Another process may have built it in the meantime.
            bundle = _existing(folder, source) or _make(folder, version, arch, source, mirror, sums)
    return bundle


def _existing(folder: Path, source: str) -> Bundle | None:
    """Return the bundle if it exists and its files have the right sizes."""
    if not (folder / MANIFEST).exists():
        return None
    bundle = Bundle.load(folder)
    damaged = [
        artifact.path
        for artifact in bundle.artifacts
        if not (file := bundle.file(artifact)).is_file() or file.stat().st_size != artifact.size
    ]
    if damaged:
        raise BuildError(
            f"{folder}: missing, or of another size than in the manifest: {', '.join(damaged)}. "
            "Remove the folder and run `fleet build bundle`"
        )
    if source != "auto" and (source == "built") != (bundle.source == "built"):
        raise BuildError(
            f"the bundle at {folder} already exists with source {bundle.source!r}: "
            f"remove the folder to rebuild it with --source {source}"
        )
    return bundle


def _make(
    folder: Path, version: str, arch: str, source: str, mirror: str | None, sums: Mapping[str, str]
) -> Bundle:
    """Build the bundle in a temporary folder and move it into place once it is complete.

    Each source has a temporary folder of its own: a retry resumes from the files of an interrupted
    run, but never from those of another source.
    """
    if source == "auto":
        source = "upstream" if mirror or from_upstream.is_reachable(version, arch) else "built"
    origin = "mirror" if mirror else source
    work = folder.parent / f".{folder.name}.{origin}"
    say(f"bundle of {version} for {arch}: {_ACTIVITY[origin]}")
    require_space(work, SPACE[source], f"the bundle of Kubernetes {version}")
    if source == "built":
        from_source.require_host(arch)
        with buildcache.building():
            artifacts = from_source.artifacts(work, version, arch)
    else:
        artifacts = from_upstream.artifacts(work, version, arch, mirror, sums)
    remove(work / "work")
    Bundle(work, version, arch, origin, artifacts).write()
    remove(folder)
    work.rename(folder)
    for other in _ACTIVITY:
        remove(folder.parent / f".{folder.name}.{other}")
    return Bundle.load(folder)


_ACTIVITY = {
    "upstream": "downloading upstream's releases",
    "mirror": "downloading from the mirror",
    "built": "building from the Go module registry (about ten minutes, once)",
}


def verify(bundle: Bundle) -> None:
    """Verify the checksum of every file; raise BuildError naming all that differ."""
    corrupt = [
        artifact.path
        for artifact in bundle.artifacts
        if sha256(bundle.file(artifact)) != artifact.sha256
    ]
    if corrupt:
        raise BuildError(
            f"{bundle.folder}: checksum mismatch: {', '.join(corrupt)}. "
            "Remove the folder and run `fleet build bundle`"
        )


def _mirror(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not text.startswith(("https://", "http://")):
        raise click.BadParameter(f"{text!r} is not a base URL such as https://mirror.example.com")
    return text


def _sums(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> Mapping[str, str]:
    pairs = [text.rpartition("=")[::2] for text in texts]
    for address, digest in pairs:
        if not address or not SUM.fullmatch(digest):
            raise click.BadParameter(f"{address}={digest} is not an address and 64 hex digits")
    return dict(pairs)


@click.command(context_settings={"max_content_width": 100})
@options.version
@options.architecture
@click.option(
    "--source", type=click.Choice(SOURCES), default="auto", show_default=True,
    help="Origin of the files, see above.",
)  # fmt: skip
@click.option(
    "--mirror", callback=_mirror, metavar="URL",
    help="Download from this base URL, whose paths begin with the names of upstream's hosts.",
)  # fmt: skip
@click.option(
    "--sum", "sums", multiple=True, callback=_sums, metavar="ADDRESS=SHA256",
    help="Checksum of a mirror's file, by its address on its project's site; repeatable.",
)  # fmt: skip
@click.option("--verify", "must_verify", is_flag=True, help="Verify the checksum of every file.")
def main(
    version: str,
    arch: str,
    source: str,
    mirror: str | None,
    sums: Mapping[str, str],
    must_verify: bool,
) -> None:
    """Build the bundle of a Kubernetes version: binaries, images and a manifest with checksums.

    A bundle contains kubeadm, kubelet, kubectl, containerd, CNI plugins, etcd's tools, and the
    images of the control plane, kube-proxy, CoreDNS, pause and flannel. The versions of etcd,
    CoreDNS and pause are those that `kubeadm config images list` names.

    \b
    Sources
      upstream  releases on dl.k8s.io, github.com, registry.k8s.io and ghcr.io, verified with the
                checksums and image digests that are published there; TLS vouches for those
      --mirror  the same files below one base URL, verified with --sum (artifacts.sums in the
                config); the digests of images are those that the mirror's registry names:
                  URL/dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm
                  URL/github.com/containerd/containerd/releases/download/...
                  URL/v2/...   a registry with the images of all of upstream's registries
      built     compiled from the Go module registry, for this host's architecture only; needs
                root, gcc, libc6-dev and mmdebstrap
      auto      upstream if all of its hosts respond within five seconds, else built

    A bundle is built once and shared by all checkouts on this machine. Concurrent calls wait for
    each other, and an interrupted call is resumed by the next.

    \b
    Environment
      KUBEADM_FLEET_CACHE               the cache folder (default: ~/.cache/kubeadm-fleet)
      KUBEADM_FLEET_KEEP_BUILD_CACHE=1  keep compiled packages for the next build
      HTTPS_PROXY, REQUESTS_CA_BUNDLE   proxy and CAs for downloads
      GOPROXY, GOSUMDB                  the Go module registry and its checksum database

    \b
    Files
      ~/.cache/kubeadm-fleet/bundles/v1.36.3-amd64/manifest.json

    \b
    Examples
      fleet build bundle --version 1.37.2
      fleet build bundle --mirror https://mirror.example.com --arch arm64
      fleet build bundle --verify
    """
    if mirror and source == "built":
        raise click.UsageError("--mirror and --source built are mutually exclusive")
    try:
        bundle = make(version, arch, source, mirror, sums)
        if must_verify:
            verify(bundle)
    except (BuildError, BundleError, OSError) as error:
        raise click.ClickException(str(error)) from None
    size = megabytes(sum(artifact.size for artifact in bundle.artifacts))
    number = counted(len(bundle.artifacts), "artifact")
    say(
        f"bundle {bundle.folder.name} is ready: {number}, {size}, "
        f"{bundle.source}{', all checksums verified' if must_verify else ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
