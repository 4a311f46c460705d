"""Print the checksums that projects publish with their releases, for `artifacts.sums`."""

import sys

import click

from model.artifacts.upstream import downloads
from scripts.build import options
from scripts.build.cache_entry import BuildError
from scripts.build.download import published_sum


@click.command(context_settings={"max_content_width": 100})
@options.version
@options.architecture
def main(version: str, arch: str) -> None:
    """Print artifacts.sums for the binaries of a Kubernetes version.

    Reads the checksums from the projects' own sites over https, never from a mirror.
    """
    try:
        for file in {file.url: file for file in downloads(version, arch, None)}.values():
            digest = published_sum(file.sums, file.url.rpartition("/")[2])
            click.echo(f"{file.address(None)}: {digest}")
    except BuildError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
