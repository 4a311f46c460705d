"""The command that brings a stack up, shows its plan, and takes it down."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import click

from scripts.fleet import kubeconfig
from scripts.fleet.engine import PARALLEL, PulumiCli, PulumiError
from scripts.fleet.private_config import StackFileError
from scripts.fleet.workspace import PROJECT, open_workspace, temporary_workspace

KUBECONFIG = PROJECT / "kubeconfig"
LOG_WIDTH = 160  # where there is no terminal to ask
UNATTENDED = ("--yes", "--skip-preview", "--non-interactive", "--parallel", str(PARALLEL))

stack_option = click.option("--stack", default="dev", show_default=True, help="Name of the stack.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a stack with the tools, the backend and the passphrase of this machine.

    With PULUMI_BACKEND_URL set, your own backend and secrets are used instead, just as `pulumi`
    itself would use them.
    """


@cli.command()
@stack_option
def up(stack: str) -> None:
    """Make the stack's clusters, or bring them up to date, and write ./kubeconfig."""
    engine = PulumiCli(open_workspace(stack))
    with _stage(f"up {stack}"):
        engine.prepare(create=True)
        try:
            engine.run("up", *UNATTENDED)
        except PulumiError as error:
            _show_what_works(engine, stack)
            again = "What was finished stays; running `up` again goes on from there."
            raise PulumiError(f"{error}\n{again}", error.status) from None
    _write_kubeconfig(engine, stack)
    _show_nodes()


@cli.command()
@stack_option
def preview(stack: str) -> None:
    """Show what `up` would do; changes nothing and needs no root."""
    engine = PulumiCli(open_workspace(stack))
    with _stage(f"preview {stack}"), ExitStack() as until_shown:
        if not engine.prepare():
            new = until_shown.enter_context(temporary_workspace(engine.workspace))
            engine = PulumiCli(new)
            engine.prepare(create=True)
        engine.run("preview", "--non-interactive", "--parallel", str(PARALLEL))


@cli.command()
@stack_option
def down(stack: str) -> None:
    """Destroy the stack's clusters, then remove its record and ./kubeconfig."""
    engine = PulumiCli(open_workspace(stack))
    with _stage(f"down {stack}"):
        if engine.prepare():
            engine.run("destroy", *UNATTENDED)
            # Without --preserve-config it would delete the stack file.
            engine.run("stack", "rm", "--yes", "--preserve-config", stack)
        else:
            click.echo(f"The stack {stack} does not exist: nothing to destroy.")
        if kubeconfig.remove(KUBECONFIG, stack):
            click.echo(f"Removed {KUBECONFIG}.")


@cli.command()
@stack_option
def refresh(stack: str) -> None:
    """Read the machines back, so that the next `up` repairs what drifted."""
    engine = _existing(stack)
    with _stage(f"refresh {stack}"):
        engine.run("refresh", *UNATTENDED)


@cli.command("kubeconfig")
@stack_option
def write_kubeconfig(stack: str) -> None:
    """Write ./kubeconfig anew, and show the nodes that it reaches."""
    _write_kubeconfig(_existing(stack), stack)
    _show_nodes()


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@stack_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True)
def pulumi(stack: str, arguments: tuple[str, ...]) -> None:
    """Run any pulumi command on the stack, such as `config set --secret NAME` or `cancel --yes`."""
    engine = PulumiCli(open_workspace(stack))
    plain = arguments[:2] == ("config", "set") and "--secret" not in arguments
    if plain and not engine.workspace.external_backend:
        raise click.UsageError(
            "only secrets are set here (`config set --secret`): every other setting belongs in "
            f"{engine.workspace.tracked_config.name}, which is read at each run"
        )
    engine.prepare(create=True)
    engine.run(*arguments)


def _existing(stack: str) -> PulumiCli:
    engine = PulumiCli(open_workspace(stack))
    if not engine.prepare():
        raise PulumiError(f"the stack {stack} does not exist yet: `make up STACK={stack}` makes it")
    return engine


def _show_what_works(engine: PulumiCli, stack: str) -> None:
    """After a failure: clusters that answer can be used, and one that does not is named."""
    with suppress(PulumiError):
        _write_kubeconfig(engine, stack)
        _show_nodes()


def _write_kubeconfig(engine: PulumiCli, stack: str) -> None:
    output = engine.outputs().get("kubeconfig")
    if not isinstance(output, str):
        raise PulumiError(
            f"the stack {stack} has no output `kubeconfig`: run `up` to its end first"
        )
    kubeconfig.write(KUBECONFIG, output, stack)


def _show_nodes() -> None:
    # The Kubernetes client takes a second to import: only where it is used.
    from rich.console import Console

    from scripts.fleet.nodes import node_table, read_nodes
    from scripts.fleet.usage import how_to_use

    rows = read_nodes(KUBECONFIG)
    click.echo()
    Console(width=None if sys.stdout.isatty() else LOG_WIDTH).print(node_table(rows))
    click.echo(f"\nTo use them:\n{how_to_use(KUBECONFIG, [row.version for row in rows])}")


@contextmanager
def _stage(name: str) -> Iterator[None]:
    click.echo(f"==> {name}")
    start = time.monotonic()
    yield
    click.echo(f"==> {name} … {time.monotonic() - start:.1f} s")


def main() -> None:
    """Run the command line; a failure is one message, not a traceback."""
    try:
        cli()
    except (PulumiError, StackFileError) as error:
        click.echo(f"stack: {error}", err=True)
        sys.exit(getattr(error, "status", 1))


if __name__ == "__main__":
    main()
