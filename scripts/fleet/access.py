"""Access to a stack's clusters: their kubeconfigs and nodes."""

from collections.abc import Collection, Sequence
from pathlib import Path

import click

from ops.errors import OperatorError
from ops.pulumi.engine import Engine
from ops.pulumi.workspace import PROJECT
from scripts.fleet import kubeconfig
from scripts.fleet.engine_run import existing_engine, show
from scripts.fleet.nodes import NodeRow, node_table, read_nodes
from scripts.fleet.usage import how_to_use

KUBECONFIG = PROJECT / "kubeconfig"
FOLDER = PROJECT / "kubeconfigs"


def stack_kubeconfig(engine: Engine, clusters: Collection[str] = ()) -> str:
    """Return the stack's kubeconfig, limited to these clusters if any are named."""
    stack = engine.workspace.stack
    output = engine.outputs().get("kubeconfig")
    if not isinstance(output, str):
        raise OperatorError(
            f"the stack {stack} has no output `kubeconfig`: complete a `fleet up {stack}` first"
        )
    known = kubeconfig.split(output)
    if unknown := sorted(set(clusters) - set(known)):
        raise OperatorError(
            f"the stack {stack} has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(known)}"
        )
    return kubeconfig.select(output, clusters)


def write(text: str, stack: str, *, replace: bool = False) -> list[Path]:
    """Write the kubeconfigs of a stack; return those to use.

    A ./kubeconfig of another stack is kept, and so is a file that no stack wrote.
    """
    files = kubeconfig.write_each(FOLDER, text, stack)
    owner = kubeconfig.owner(KUBECONFIG)
    if replace or owner == stack or not KUBECONFIG.exists():
        kubeconfig.write(KUBECONFIG, text, stack)
        return [KUBECONFIG]
    origin = f"belongs to the stack {owner}" if owner else "was not written by fleet"
    click.echo(
        f"{KUBECONFIG} {origin} and was not changed; the kubeconfigs of {stack} are in "
        f"{FOLDER / stack}. To replace it, run `fleet kubeconfig --stack {stack} --replace`.",
        err=True,
    )
    return files


def cluster_kubeconfigs(stack: str) -> list[Path]:
    """Return the files of a stack's clusters; missing ones are written."""
    folder = FOLDER / stack
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return files or kubeconfig.write_each(FOLDER, stack_kubeconfig(existing_engine(stack)), stack)


def remove(stack: str) -> list[Path]:
    """Remove the kubeconfigs of a deleted stack."""
    removed = kubeconfig.remove_each(FOLDER, stack)
    return [KUBECONFIG, *removed] if kubeconfig.remove(KUBECONFIG, stack) else removed


def show_nodes(files: Sequence[Path]) -> list[NodeRow]:
    """Print the nodes of every cluster in the files."""
    rows = read_nodes(files)
    show(node_table(rows))
    return rows


def show_access(files: Sequence[Path]) -> None:
    """Print the nodes of every cluster in the files, and how to use them."""
    click.echo()
    rows = show_nodes(files)
    click.echo(f"\nTo use them:\n{how_to_use(files, [row.version for row in rows])}")
