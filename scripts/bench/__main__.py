"""The benchmarks' command line (`make bench`)."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from model import pins
from scripts.bench import audit_log, calls, existing, lifecycle, previews, rollouts, steps, up
from scripts.bench.run import BenchError
from scripts.bench.table import Table
from scripts.build.version_type import VERSION

PARTS = ("up", "noop", "steps", "lifecycle", "preview", "calls", "existing", "rollout", "audit")
WITHOUT_MACHINES = {"preview", "calls", "existing", "rollout", "audit"}
SIZES = (10, 100, 300, 1000)
ROUNDS = 3
LOG_WIDTH = 160  # if standard output is not a terminal


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Measure only this part; repeatable. Default: all parts.",
)
@click.option(
    "--rounds",
    default=ROUNDS,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of runs of the cold up and of the bare commands.",
)
@click.option(
    "--lifecycles",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of runs of the lifecycle of a cluster with three control planes.",
)
@click.option(
    "--from-version",
    type=VERSION,
    default=pins.KUBERNETES,
    show_default=True,
    help="Kubernetes version of the lifecycle before the upgrade.",
)
@click.option(
    "--to-version",
    type=VERSION,
    default=pins.KUBERNETES_NEWEST,
    show_default=True,
    help="Kubernetes version after the upgrade; its bundle and image must exist.",
)
@click.option(
    "--machines",
    "sizes",
    multiple=True,
    type=click.IntRange(min=4, max=20_000),
    default=SIZES,
    show_default=True,
    help="Number of machines of a previewed fleet; repeatable.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the tables to this file.",
)
def main(
    parts: tuple[str, ...],
    rounds: int,
    lifecycles: int,
    from_version: str,
    to_version: str,
    sizes: tuple[int, ...],
    markdown: Path | None,
) -> None:
    """Benchmark the program.

    \b
    up         the dev stack from nothing, against bare commands
    noop       an up without changes, against an empty program
    steps      the time of each step of an up
    lifecycle  a cluster with three control planes: created, upgraded, one replaced
    preview    previews of fleets of increasing size, against an empty program
    calls      20 dynamic resources that each wait for 30 s, in parallel
    existing   fleets of 20 and 200 machines that exist: runs with silent endpoints, and the state;
               20 clusters changed in parallel
    rollout    what a rollout of one kubelet setting asks of the API of 50, 100 and 200 Nodes
    audit      questions to an audit log of 1 GB

    The first four parts create real machines and need root. Everything is removed at the end.
    """
    selected = set(parts or PARTS)
    if not selected <= WITHOUT_MACHINES and os.geteuid() != 0:
        raise click.ClickException(
            "only root can create machines; `--only preview --only calls` needs none"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console() if sys.stdout.isatty() else Console(width=LOG_WIDTH)
    tables = []
    try:
        lifecycle_args = (from_version[1:], to_version[1:], lifecycles)
        for table in _measure(selected, rounds, sizes, lifecycle_args):
            table.show(console)
            tables.append(table)
    except BenchError as error:
        # The first failure may have caused the second.
        cause = error.__context__
        prefix = f"{cause}\nand then: " if isinstance(cause, BenchError) else ""
        raise click.ClickException(f"{prefix}{error}") from None
    if markdown:
        markdown.write_text("\n".join(table.markdown() for table in tables))
        click.echo(f"Wrote {markdown}.")


def _measure(
    parts: set[str], rounds: int, sizes: tuple[int, ...], lifecycle_args: tuple[str, str, int]
) -> Iterator[Table]:
    if parts & {"up", "noop", "steps"}:
        measured = up.measure(
            rounds if "up" in parts else 1,
            against_bare="up" in parts,
            noop="noop" in parts,
            say=click.echo,
        )
        if "up" in parts:
            yield up.cold_table(measured)
        if "noop" in parts:
            yield up.noop_table(measured, click.echo)
        if "steps" in parts:
            yield steps.table(measured.cold[-1])
    if "lifecycle" in parts:
        yield from lifecycle.tables(lifecycle.measure(*lifecycle_args, click.echo))
    if "preview" in parts:
        yield previews.table(previews.measure(sorted(sizes), click.echo))
    if "calls" in parts:
        yield calls.table(click.echo)
    if "existing" in parts:
        yield from existing.tables(click.echo)
    if "rollout" in parts:
        yield rollouts.table(click.echo)
    if "audit" in parts:
        yield audit_log.table(click.echo)


if __name__ == "__main__":
    main()
