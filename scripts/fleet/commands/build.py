"""Download or build tool chain, bundles and machine images."""

from functools import cached_property
from pathlib import Path

import click

from scripts.fleet.lazy_group import PROJECT, LazyGroup
from scripts.fleet.options import CONTEXT_SETTINGS, examples

EPILOG = examples(
    "fleet build stack toolchain                      pulumi and its plugins",
    "fleet build stack -s prod bundle                 the bundles of the versions in prod",
    "fleet build stack --also 1.37.2 bundle image     the same for an upgrade to 1.37.2",
    "fleet build bundle --version 1.37.2 --verify     one version, with every checksum verified",
)
FILES = {
    "stack": "ensure.py",
    "toolchain": "toolchain.py",
    "bundle": "bundle.py",
    "supplement": "supplement.py",
    "image": "image.py",
    "sums": "sums.py",
}


class BuildGroup(LazyGroup):
    """The programs of scripts/build that a person runs."""

    attribute = "main"

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each subcommand."""
        return {name: PROJECT / "scripts" / "build" / file for name, file in FILES.items()}


@click.group(cls=BuildGroup, context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Download or build tool chain, bundles and machine images, unless they are cached already."""
