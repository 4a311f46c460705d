"""Options that commands about artifacts share."""

import click

from model import pins, versions
from scripts.build import arch
from scripts.build.version_type import VERSION

SOURCES = ("auto", "upstream", "built")


def _mirror(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not text.startswith(("https://", "http://")):
        raise click.BadParameter(f"{text!r} is not a base URL such as https://mirror.example.com")
    return text


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
source = click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="auto",
    show_default=True,
    help="Origin of the files, see above.",
)
mirror = click.option(
    "--mirror",
    callback=_mirror,
    metavar="URL",
    help="Download from this base URL, whose paths begin with the names of upstream's hosts.",
)
must_verify = click.option(
    "--verify", "must_verify", is_flag=True, help="Verify the checksum of every file."
)
