"""Documents for other programs, on standard output."""

import json

import click
import yaml

from model.report import ReportEntry


def print_document(document: ReportEntry, output: str) -> None:
    """Print a document as `json` or `yaml`."""
    content = document.model_dump(mode="json", by_alias=True)
    if output == "json":
        click.echo(json.dumps(content, indent=2))
    else:
        click.echo(yaml.safe_dump(content, sort_keys=False).rstrip())
