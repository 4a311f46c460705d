"""Judge machines and clusters by the CIS Kubernetes Benchmark."""

import click

from model.selectors import LabelSelector
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    check_selection,
    cluster_option,
    examples,
    selector_option,
    stack_argument,
)

EPILOG = (
    examples(
        "fleet cis                          what fails, and what a person has to decide",
        "fleet cis prod --cluster tokyo     of one cluster of another stack",
        "fleet cis --failed -o wide         only what fails, with remedies",
        "fleet cis --item 1.2.15 -o wide    one item, also where it passes",
        "fleet cis -o json                  for a monitoring system",
    )
    + """

\b
Exit status:
  0  no automated item fails
  1  one fails; it is at the top of its cluster
  2  a machine or a cluster could not be read, or the command failed"""
)


def _numbers(
    _context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the numbers of these items, and of those of these sections."""
    if not given:
        return given
    from model.cis.benchmark import NUMBERS

    found = {
        each: [known for known in NUMBERS if f"{known}.".startswith(f"{each}.")] for each in given
    }
    if unknown := [each for each, numbers in found.items() if not numbers]:
        raise click.BadParameter(
            f"the benchmark has neither an item nor a section {', '.join(unknown)}; items are "
            f"{NUMBERS[0]} to {NUMBERS[-1]}"
        )
    return tuple(number for numbers in found.values() for number in numbers)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@cluster_option()
@selector_option()
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="NUMBER",
    callback=_numbers,
    help="Only this item or section, with the machines on which it passes; repeatable.",
)
@click.option("--failed", "failed_only", is_flag=True, help="Only what fails (table, wide).")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Format; wide has remedies; docs/cis.schema.json describes the fields.",
)
def command(
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    items: tuple[str, ...],
    failed_only: bool,
    output: str,
) -> None:
    """Judge every machine and cluster by the items of the CIS Kubernetes Benchmark.

    Modes and owners of files, and the flags and configs of the running components, are read on the
    machines over SSH; roles, namespaces and pods are read by the API. No Secret and no key is read.

    Automated items pass or fail. Others are for a person to decide: they pass where what was read
    settles them, and are listed as manual elsewhere. docs/cis.md has all of them, with the state
    that they have on a cluster with the default config.
    """
    from scripts.fleet import cis_report

    check_selection(clusters, selector)
    raise SystemExit(
        cis_report.show(stack, clusters, selector, items, output, failed_only=failed_only)
    )
