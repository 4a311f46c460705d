"""A Kubernetes version on a command line."""

import click

from model import versions


class VersionType(click.ParamType[str]):
    """Accepts "1.36.3" or "v1.36.3" of a supported minor version; returns "v1.36.3"."""

    name = "version"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Parse the version, or fail with the supported range."""
        try:
            return str(versions.parse(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}; allowed: {versions.ALLOWED}", param, ctx)


VERSION = VersionType()
