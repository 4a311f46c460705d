"""Build or download a supplement: what machines need for a choice that only some clusters make."""

import sys

import click

from model import paths, pins
from model.artifacts.bundle import Bundle, BundleError
from model.artifacts.upstream import SUPPLEMENT_REGISTRIES
from scripts.build import from_source, from_upstream, manifest_entries, options
from scripts.build.bundle_folder import Content, provide, verify
from scripts.build.cache_entry import BuildError
from scripts.build.download import all_reachable
from scripts.build.progress import megabytes, say

# Peak disk usage of the finished supplement and its intermediate files.
SPACE = {"upstream": 10**9, "built": 5 * 10**9}


def make(name: str, arch: str, source: str, mirror: str | None) -> Bundle:
    """Return the supplement of this name, building it if there is none."""
    references = manifest_entries.supplement_images(name)
    registry = f"https://{SUPPLEMENT_REGISTRIES[name]}/v2/"
    content = Content(
        title=f"supplement {name} {pins.SUPPLEMENTS[name]}",
        command=f"fleet build supplement {name}",
        version="",
        arch=arch,
        space=SPACE,
        duration="about two minutes",
        build=lambda work: from_source.supplement(work, name, references, arch),
        download=lambda work: from_upstream.images(work, arch, references, mirror),
        is_reachable=lambda: all_reachable([registry], from_upstream.PROBE_SECONDS),
    )
    return provide(paths.supplement_dir(name, arch), content, source, mirror)


@click.command(context_settings={"max_content_width": 100})
@click.argument("name", type=click.Choice(sorted(pins.SUPPLEMENTS)))
@options.architecture
@options.source
@options.mirror
@options.must_verify
def main(name: str, arch: str, source: str, mirror: str | None, must_verify: bool) -> None:
    """Build a supplement of bundles: images that only some clusters need.

    A cluster needs the supplement `calico` if its `networking.networkPolicy` is `calico`, and
    `metrics-server` unless its `metricsServer` is false. They are for every Kubernetes version.
    `fleet build stack` builds the supplements that a stack needs, and no others.

    \b
    Sources
      upstream  images in their registry, verified with their digests there
      --mirror  the same images from a registry with this base URL
      built     compiled from the Go module registry, for this host's architecture only; needs
                root, gcc, libc6-dev and mmdebstrap
      auto      upstream if its registry responds within five seconds, else built

    \b
    Examples
      fleet build supplement calico
      fleet build supplement metrics-server
      fleet build supplement calico --mirror https://mirror.example.com --arch arm64
    """
    if mirror and source == "built":
        raise click.UsageError("--mirror and --source built are mutually exclusive")
    try:
        made = make(name, arch, source, mirror)
        if must_verify:
            verify(made, f"fleet build supplement {name}")
    except (BuildError, BundleError, OSError) as error:
        raise click.ClickException(str(error)) from None
    size = megabytes(sum(artifact.size for artifact in made.artifacts))
    say(
        f"supplement {made.folder.name} is ready: {len(made.artifacts)} artifacts, {size}, "
        f"{made.source}{', all checksums verified' if must_verify else ''}"
    )


if __name__ == "__main__":
    sys.exit(main())
