"""Make the stack's clusters, or bring them up to date."""

from contextlib import suppress

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_argument

EPILOG = examples(
    "fleet up              the stack dev",
    "fleet up prod         another stack",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
def command(stack: str) -> None:
    """Make the stack's clusters, or bring them up to date, and write ./kubeconfig."""
    from ops.errors import OperatorError
    from ops.pulumi.engine import PulumiCli, PulumiError
    from ops.pulumi.workspace import open_workspace
    from scripts.fleet.session import UNATTENDED, show_nodes, stage, write_kubeconfig

    engine = PulumiCli(open_workspace(stack))
    with stage(f"up {stack}"):
        engine.prepare(create=True)
        try:
            engine.run("up", *UNATTENDED)
        except PulumiError as error:
            # Clusters that answer can be used, and one that does not is named.
            with suppress(OperatorError):
                write_kubeconfig(engine, stack)
                show_nodes()
            again = "What was finished stays; running `fleet up` again resumes from there."
            raise OperatorError(f"{error}\n{again}") from None
    write_kubeconfig(engine, stack)
    show_nodes()
