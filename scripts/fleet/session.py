"""What the subcommands that run a stack share: its engine, its kubeconfig, its table of nodes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ops.errors import OperatorError
from ops.pulumi.engine import PARALLEL, PulumiCli
from ops.pulumi.workspace import PROJECT, open_workspace
from scripts.fleet import kubeconfig

KUBECONFIG = PROJECT / "kubeconfig"
LOG_WIDTH = 160  # where there is no terminal to ask
UNATTENDED = ("--yes", "--skip-preview", "--non-interactive", "--parallel", str(PARALLEL))


def existing(stack: str) -> PulumiCli:
    """Return the engine of a stack that exists."""
    engine = PulumiCli(open_workspace(stack))
    if not engine.prepare():
        raise OperatorError(f"the stack {stack} does not exist yet: `fleet up {stack}` makes it")
    return engine


def write_kubeconfig(engine: PulumiCli, stack: str) -> None:
    """Write ./kubeconfig from the stack's outputs."""
    output = engine.outputs().get("kubeconfig")
    if not isinstance(output, str):
        raise OperatorError(
            f"the stack {stack} has no output `kubeconfig`: run `fleet up {stack}` to its end first"
        )
    kubeconfig.write(KUBECONFIG, output, stack)


def show_nodes() -> None:
    """Print the nodes of every cluster in ./kubeconfig, and how to use them."""
    # The Kubernetes client takes a second to import: only where it is used.
    from rich.console import Console

    from scripts.fleet.nodes import node_table, read_nodes
    from scripts.fleet.usage import how_to_use

    rows = read_nodes(KUBECONFIG)
    click.echo()
    Console(width=None if sys.stdout.isatty() else LOG_WIDTH).print(node_table(rows))
    click.echo(f"\nTo use them:\n{how_to_use(KUBECONFIG, [row.version for row in rows])}")


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Say on standard error what begins, and how long it took."""
    click.echo(f"==> {name}", err=True)
    start = time.monotonic()
    yield
    click.echo(f"==> {name} … {time.monotonic() - start:.1f} s", err=True)
