"""Write one page about the whole fleet: grades, differences, capacity, certificates, changes."""

import sys
from pathlib import Path

import click

from model.selectors import LabelSelector
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    View,
    check_selection,
    cluster_option,
    examples,
    kubeconfig_option,
    selector_option,
    stack_argument,
)

TIMEOUT_SECONDS = 60.0
# What needs the machines; the names are those of model/fleet_report/document.py.
PARTS = ("certificates", "backups", "cis", "audit")
EPILOG = (
    examples(
        "fleet report -O report.html               a page of the stack dev",
        "fleet report prod --lang ja -O prod.html  another stack, in Japanese",
        "fleet report -l region=tokyo -o markdown  some clusters, as Markdown",
        "fleet report --with none -O report.html   only what clusters' APIs say: nothing over SSH",
        "fleet report -o json >today.json          for a program, or for --since of a later report",
    )
    + """

\b
Exit status:
  0  the report was written, whatever it says
  2  the stack or the kubeconfig could not be read, the file not written, or wrong usage"""
)


def _parts(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...]:
    if text in (None, "all"):
        return PARTS
    if text == "none":
        return ()
    given = tuple(dict.fromkeys(part.strip() for part in str(text).split(",")))
    if unknown := [part for part in given if part not in PARTS]:
        raise click.BadParameter(
            f"{', '.join(map(repr, unknown))}: allowed are all, none, and {', '.join(PARTS)}, "
            "separated by commas"
        )
    return given


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@selector_option()
@cluster_option()
@kubeconfig_option()
@click.option(
    "--with",
    "parts",
    callback=_parts,
    metavar="PARTS",
    help="What is read on machines over SSH: all (default), none, or some of certificates, "
    "backups, cis, audit, separated by commas.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for answers; what has not answered by then is shown so.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["html", "json", "markdown"]),
    default="html",
    show_default=True,
    help="Format; docs/report.schema.json describes the fields of json.",
)
@click.option(
    "-O",
    "--output-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write into this file, readable by you alone (default: standard output).",
)
@click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "ja"]),
    default="en",
    show_default=True,
    help="Language of html and markdown; messages of clusters stay as they are.",
)
@click.option(
    "--since",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Show changes since this report, which -o json wrote (default: the last one here).",
)
def command(
    stack: str,
    selector: LabelSelector | None,
    clusters: tuple[str, ...],
    kubeconfig: Path | None,
    parts: tuple[str, ...],
    timeout: float,
    output: str,
    output_file: Path | None,
    language: str,
    since: Path | None,
) -> None:
    """Write a report of all clusters, as one HTML file without scripts and without other files.

    Every cluster has a grade from A to F, with the reasons for it; docs/report.md has the scale.
    Below the grades are what has changed since the last report, conditions, differences on
    machines, clusters by label, in what clusters differ (as `fleet consistency`), what is requested
    and used (as `fleet capacity`), certificates and tokens by date, backups, versions, exceptions
    from the security baseline, the CIS benchmark, and who did what of the last day's audit logs.
    The page prints on A4.

    Clusters and machines are asked at the same time. What has not answered within the time-out is
    a row that says so. A report of all clusters is kept in the state folder, and the next one shows
    what has changed since.

    The page names weaknesses: give it only to those who may know them.
    """
    from model.fleet_report.document import SourceName
    from scripts.fleet import fleet_report

    check_selection(clusters, selector, kubeconfig)
    if output == "html" and output_file is None and sys.stdout.isatty():
        raise click.UsageError("a page is not for a terminal: name a file with -O FILE")
    view = View(selector, clusters, kubeconfig, timeout, output, watch=False, headers=True)
    written = fleet_report.ReportOutput(output, language, output_file, since)
    fleet_report.show(stack, view, [SourceName(part) for part in parts], written)
