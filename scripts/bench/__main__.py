"""The command behind `make bench`."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from model import pins
from scripts.bench import calls, lifecycle, previews, steps, up
from scripts.bench.run import BenchError
from scripts.bench.table import Table
from scripts.build.version_type import VERSION

PARTS = ("up", "noop", "steps", "life", "preview", "calls")
WITHOUT_MACHINES = {"preview", "calls"}
SIZES = (10, 100, 300, 1000)
ROUNDS = 3
LOG_WIDTH = 160  # where there is no terminal to ask


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Measure this part; may be given several times. All parts if none is named.",
)
@click.option(
    "--rounds",
    default=ROUNDS,
    show_default=True,
    type=click.IntRange(min=1),
    help="How often the cold up and the bare commands are timed.",
)
@click.option(
    "--lives",
    "lived",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="How often the life of a cluster with three control planes is timed.",
)
@click.option(
    "--former", type=VERSION, default=pins.KUBERNETES, show_default=True, help="It begins with."
)
@click.option(
    "--following",
    type=VERSION,
    default=pins.KUBERNETES_NEWEST,
    show_default=True,
    help="The version that it is upgraded to; its bundle and image must be there.",
)
@click.option(
    "--machines",
    "sizes",
    multiple=True,
    type=click.IntRange(min=4, max=20_000),
    default=SIZES,
    show_default=True,
    help="Size of a fleet that is previewed; may be given several times.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the tables to this file, too.",
)
def main(
    parts: tuple[str, ...],
    rounds: int,
    lived: int,
    former: str,
    following: str,
    sizes: tuple[int, ...],
    markdown: Path | None,
) -> None:
    """Time the program.

    \b
    up       the dev stack, cold, against bare commands
    noop     an up with nothing to do, against an empty program
    steps    where the time goes in an up
    life     a cluster of three control planes: from nothing, an upgrade, a replacement
    preview  fleets of growing size, against an empty program
    calls    20 dynamic resources that wait for 30 s each, side by side

    All but `preview` and `calls` make real machines and need root. Everything is removed at the
    end.
    """
    wanted = set(parts or PARTS)
    if not wanted <= WITHOUT_MACHINES and os.geteuid() != 0:
        raise click.ClickException(
            "only root can create machines; `--only preview --only calls` needs none"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console() if sys.stdout.isatty() else Console(width=LOG_WIDTH)
    tables = []
    try:
        for table in _measure(wanted, rounds, sizes, (former[1:], following[1:], lived)):
            table.show(console)
            tables.append(table)
    except BenchError as error:
        # What failed first may have left the second no chance.
        first = error.__context__
        before = f"{first}\nand then: " if isinstance(first, BenchError) else ""
        raise click.ClickException(f"{before}{error}") from None
    if markdown:
        markdown.write_text("\n".join(table.markdown() for table in tables))
        click.echo(f"Written to {markdown}.")


def _measure(
    wanted: set[str], rounds: int, sizes: tuple[int, ...], life: tuple[str, str, int]
) -> Iterator[Table]:
    if wanted & {"up", "noop", "steps"}:
        measured = up.measure(
            rounds if "up" in wanted else 1,
            against_bare="up" in wanted,
            noop="noop" in wanted,
            say=click.echo,
        )
        if "up" in wanted:
            yield up.cold_table(measured)
        if "noop" in wanted:
            yield up.noop_table(measured, click.echo)
        if "steps" in wanted:
            yield steps.table(measured.cold[-1])
    if "life" in wanted:
        yield from lifecycle.tables(lifecycle.measure(*life, click.echo))
    if "preview" in wanted:
        yield previews.table(previews.measure(sorted(sizes), click.echo))
    if "calls" in wanted:
        yield calls.table(click.echo)


if __name__ == "__main__":
    main()
