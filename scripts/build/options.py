"""Options that commands about the artifacts of one Kubernetes version share."""

import click

from model import pins, versions
from scripts.build import arch
from scripts.build.version_type import VERSION

version = click.option(
    "--version",
    default=pins.KUBERNETES,
    show_default=True,
    type=VERSION,
    help=f"Kubernetes version: {versions.ALLOWED}.",
)
architecture = click.option(
    "--arch",
    type=click.Choice(arch.SUPPORTED),
    default=arch.host(),
    show_default=True,
    help="Architecture of the machines.",
)
