"""Build or download the bundle of a Kubernetes version: everything that its machines need."""

import sys
from collections.abc import Mapping

import click

from model import paths
from model.artifacts.bundle import Bundle, BundleError
from model.plural import counted
from scripts.build import from_source, from_upstream, options
from scripts.build.bundle_folder import Content, provide, verify
from scripts.build.cache_entry import BuildError
from scripts.build.download import SUM
from scripts.build.progress import megabytes, say

# Peak disk usage of the finished bundle and its intermediate files.
SPACE = {"upstream": 3 * 10**9, "built": 10 * 10**9}


def make(
    version: str, arch: str, source: str, mirror: str | None, sums: Mapping[str, str]
) -> Bundle:
    """Return the bundle of a Kubernetes version ("v1.36.3"), building it if there is none."""
    content = Content(
        title=f"bundle of {version}",
        command="fleet build bundle",
        version=version,
        arch=arch,
        space=SPACE,
        duration="about ten minutes",
        build=lambda work: from_source.artifacts(work, version, arch),
        download=lambda work: from_upstream.artifacts(work, version, arch, mirror, sums),
        is_reachable=lambda: from_upstream.is_reachable(version, arch),
    )
    return provide(paths.bundle_dir(version, arch), content, source, mirror)


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
@options.source
@options.mirror
@click.option(
    "--sum", "sums", multiple=True, callback=_sums, metavar="ADDRESS=SHA256",
    help="Checksum of a mirror's file, by its address on its project's site; repeatable.",
)  # fmt: skip
@options.must_verify
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
    CoreDNS and pause are those that `kubeadm config images list` names. What only some clusters
    choose is in supplements (`fleet build supplement`).

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
