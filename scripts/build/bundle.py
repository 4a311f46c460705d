"""A bundle: everything that machines need for one Kubernetes version."""

import sys
from pathlib import Path

import click

from model import paths, pins, versions
from model.artifacts.bundle import MANIFEST, Bundle, BundleError
from model.files import remove
from scripts.build import arch as architectures
from scripts.build import buildcache, from_source, from_upstream
from scripts.build.cache_entry import MakerError, locked, require_space
from scripts.build.download import sha256
from scripts.build.progress import megabytes, say
from scripts.build.version_type import VERSION

SOURCES = ("auto", "upstream", "built")
# Of the finished bundle and what it is made of, at its largest.
SPACE = {"upstream": 3 * 10**9, "built": 10 * 10**9}


def make(version: str, arch: str, source: str, mirror: str | None) -> Bundle:
    """Return the bundle of a Kubernetes version ("v1.36.3"), building it if there is none."""
    folder = paths.bundle_dir(version, arch)
    bundle = _existing(folder, source)
    if bundle is None:
        with locked(folder):
            # Another process may have built it in the meantime.
            bundle = _existing(folder, source) or _make(folder, version, arch, source, mirror)
    return bundle


def _existing(folder: Path, source: str) -> Bundle | None:
    """Return the bundle if it exists and its files have the right sizes."""
    if not (folder / MANIFEST).exists():
        return None
    bundle = Bundle.load(folder)
    damaged = [
        each.path
        for each in bundle.artifacts
        if not bundle.file(each).is_file() or bundle.file(each).stat().st_size != each.size
    ]
    if damaged:
        raise MakerError(
            f"{folder}: {', '.join(damaged)} are missing or differ in size from the manifest: "
            "remove the folder and run `make bundle`"
        )
    if source != "auto" and (source == "built") != (bundle.source == "built"):
        raise MakerError(
            f"the bundle at {folder} already exists with source {bundle.source!r}: "
            f"remove the folder to rebuild it with --source {source}"
        )
    return bundle


def _make(folder: Path, version: str, arch: str, source: str, mirror: str | None) -> Bundle:
    """Make the bundle beside its place and put it there whole.

    Each source has a folder of its own, so that a try that goes on where another one was killed
    never takes over files of another source.
    """
    if source == "auto":
        source = "upstream" if mirror or from_upstream.is_reachable(version, arch) else "built"
    origin = "mirror" if mirror else source
    work = folder.parent / f".{folder.name}.{origin}"
    say(f"bundle of {version} for {arch}: {_EXPLAINED[origin]}")
    require_space(work, SPACE[source], f"the bundle of Kubernetes {version}")
    if source == "built":
        from_source.require_host(arch)
        with buildcache.building():
            artifacts = from_source.artifacts(work, version, arch)
    else:
        artifacts = from_upstream.artifacts(work, version, arch, mirror)
    remove(work / "work")
    Bundle(work, version, arch, origin, artifacts).write()
    remove(folder)
    work.rename(folder)
    for other in _EXPLAINED:
        remove(folder.parent / f".{folder.name}.{other}")
    return Bundle.load(folder)


_EXPLAINED = {
    "upstream": "fetched from upstream's releases",
    "mirror": "fetched from the mirror",
    "built": "built from the Go module registry (some ten minutes, once)",
}


def verify(bundle: Bundle) -> None:
    """Verify the checksum of every file; raise MakerError naming all that differ."""
    wrong = [each.path for each in bundle.artifacts if sha256(bundle.file(each)) != each.sha256]
    if wrong:
        raise MakerError(
            f"{bundle.folder}: {', '.join(wrong)} do not match the manifest: "
            "remove the folder and run `make bundle`"
        )


def _mirror(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not text.startswith(("https://", "http://")):
        raise click.BadParameter(f"{text!r} is not a base URL such as https://mirror.example.com")
    return text


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--version", default=pins.KUBERNETES, show_default=True, type=VERSION,
    help=f"Kubernetes version: {versions.ALLOWED}.",
)  # fmt: skip
@click.option(
    "--arch", type=click.Choice(architectures.SUPPORTED), default=architectures.host(),
    show_default=True, help="Architecture of the machines.",
)  # fmt: skip
@click.option(
    "--source", type=click.Choice(SOURCES), default="auto", show_default=True,
    help="Where everything comes from, see above.",
)  # fmt: skip
@click.option(
    "--mirror", callback=_mirror, metavar="URL",
    help="Fetch from this base URL, which has upstream's hosts as the first part of its paths.",
)  # fmt: skip
@click.option("--verify", "must_verify", is_flag=True, help="Compare every file with its sum.")
def main(version: str, arch: str, source: str, mirror: str | None, must_verify: bool) -> None:
    """Make the bundle of one Kubernetes version: binaries, images and a manifest of their sums.

    A bundle holds kubeadm, kubelet, kubectl, containerd, CNI plugins, etcd's tools, and the images
    of the control plane, kube-proxy, CoreDNS, pause and flannel. Which etcd, CoreDNS and pause
    belong to a Kubernetes version is asked of its own kubeadm.

    \b
    Sources
      upstream  official releases (dl.k8s.io, github.com, registry.k8s.io, ghcr.io), each file
                compared with the sum, each image with the digests that upstream publishes
      --mirror  the same files below one base URL:
                  URL/dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm
                  URL/github.com/containerd/containerd/releases/download/...
                  URL/v2/...   a container registry with the images of all registries
      built     compiled from the Go module registry, for this host's architecture only; needs
                root, gcc, libc6-dev and mmdebstrap
      auto      upstream if all of its hosts answer within five seconds, else built

    It is made once, and kept for every checkout on this machine: a second call ends at once, a call
    beside another one waits for it, and a call that was killed is continued by the next.

    \b
    Environment
      KUBEADM_FLEET_CACHE               the cache, instead of ~/.cache/kubeadm-fleet
      KUBEADM_FLEET_KEEP_BUILD_CACHE=1  keep compiled packages, for building again soon
      HTTPS_PROXY, REQUESTS_CA_BUNDLE   the way to upstream
      GOPROXY, GOSUMDB                  the way to the Go module registry

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
        raise click.UsageError("--mirror and --source built exclude each other")
    try:
        bundle = make(version, arch, source, mirror)
        if must_verify:
            verify(bundle)
    except (MakerError, BundleError, OSError) as error:
        raise click.ClickException(str(error)) from None
    size = megabytes(sum(each.size for each in bundle.artifacts))
    say(
        f"bundle {bundle.folder.name} is ready: {len(bundle.artifacts)} artifacts, {size}, "
        f"{bundle.source}{', all checksums verified' if must_verify else ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
