"""Prints what a command does for each of several clusters: line by line, or as a document."""

import os
import shutil
import sys
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import click

from model.command_report import CommandReport, CommandResult
from model.paths import cache_dir
from model.plural import counted
from ops.errors import OperatorError
from scripts.fleet import status_cache, targets
from scripts.fleet.each_cluster import STDERR, STDOUT, EachCluster
from scripts.fleet.options import EachClusterOptions
from scripts.fleet.relay import BROKEN_PIPE_STATUS
from scripts.fleet.report import print_document

COLOURS = ("cyan", "yellow", "magenta", "green", "blue")


class LinePrinter:
    """Prints each line behind the name of its cluster, all names in one width."""

    def __init__(self, clusters: Collection[str]) -> None:
        width = max(map(len, clusters))
        self._prefixes = {
            cluster: {
                # Colours are removed where the stream is not a terminal.
                number: _visible(click.style(f"{cluster:{width}} │ ", fg=colour), number)
                for number in (STDOUT, STDERR)
            }
            for cluster, colour in zip(clusters, cycle(COLOURS), strict=False)
        }

    def __call__(self, cluster: str, number: int, line: bytes) -> None:
        """Print one line to standard output or standard error."""
        stream = sys.stdout.buffer if number == STDOUT else sys.stderr.buffer
        stream.write(self._prefixes[cluster][number].encode() + line + b"\n")
        stream.flush()


def _visible(text: str, number: int) -> str:
    stream = sys.stdout if number == STDOUT else sys.stderr
    with_colours = stream.isatty() and not os.environ.get("NO_COLOR")
    return text if with_colours else click.unstyle(text)


def run_each(options: EachClusterOptions, command: Sequence[str]) -> int:
    """Run a command for the chosen clusters, and print what it does; return the exit status."""
    cache = status_cache.of_stack(options.stack)
    chosen = targets.chosen_files(options.stack, cache, options.selector, options.clusters)
    cache.save()
    files = {file.name: file for file, _ in chosen}
    return run(
        files, EachCluster(command, options.parallel, options.seconds), output=options.output
    )


def kubectl() -> str:
    """Return the kubectl in PATH, else the newest one of a bundle."""
    if found := shutil.which("kubectl"):
        return found
    bundled = (cache_dir() / "bundles").glob("v*/bin/kubectl")
    if newest := max(bundled, key=lambda path: path.stat().st_mtime, default=None):
        return str(newest)
    raise OperatorError(
        "kubectl is not installed: install it, or run `fleet build stack bundle`, which has one"
    )


def run(files: dict[str, Path], each: EachCluster, *, output: str) -> int:
    """Run the command for each cluster, and print what it does; return the exit status."""
    began = datetime.now(UTC)
    as_lines = output == "lines"
    try:
        results = each.run(files, LinePrinter(files) if as_lines else lambda *_: None)
        if not as_lines:
            report = CommandReport(time=began, command=tuple(each.command), results=tuple(results))
            print_document(report, output)
    except BrokenPipeError:
        # Nobody reads any more; nothing may be written at the end, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        return BROKEN_PIPE_STATUS
    failed = [result for result in results if not result.is_success]
    if failed and as_lines:
        click.echo(_failures(failed, len(results)), err=True)
    return 1 if failed else 0


def _failures(failed: Sequence[CommandResult], clusters: int) -> str:
    lines = [
        f"  {result.cluster}: {result.reason or f'exit status {result.exit_status}'}"
        for result in failed
    ]
    of = f"{len(failed)} of {counted(clusters, 'cluster')}"
    return "\n".join([f"The command failed for {of}:", *lines])
