"""`fleet`: the command line of the program."""

import os
import sys
from pathlib import Path
from typing import IO, NoReturn

import click

from ops.errors import OperatorError, text_of
from scripts.fleet.lazy_group import PROJECT, LazyGroup
from scripts.fleet.options import CONTEXT_SETTINGS

EPILOG = """
\b
Examples:
  fleet preview            show what would change in the stack dev
  fleet up                 apply the changes, write ./kubeconfig, show the nodes
  fleet status prod        show clusters, nodes and problems of the stack prod
  fleet COMMAND --help     show the manual of a command

\b
Exit status:
  0    success
  1    `fleet status`: a cluster or node is unhealthy; `fleet certs`: a certificate is missing,
       expired or about to expire; `fleet cis`: an item fails; other commands: aborted at the prompt
  2    failure, or wrong usage
  130  interrupted with Ctrl-C
  `fleet ssh` and `fleet pulumi` return the exit status of the command that they run.

\b
Environment:
  FLEET_STACK              the stack if none is named (default: dev)
  PULUMI_BACKEND_URL       your own Pulumi backend, used as `pulumi` itself would
  KUBEADM_FLEET_STATE      folder of the default backend, its passphrase and the program's
                           credentials (default: ~/.local/state/kubeadm-fleet)
  KUBEADM_FLEET_CACHE      folder of tool chain, bundles and machine images
                           (default: ~/.cache/kubeadm-fleet)
  NO_COLOR                 disable colours

\b
Files:
  Pulumi.<stack>.yaml      the stack's config: its clusters and machines
  kubeconfig               one stack's kubeconfig, with a context for each cluster
  kubeconfigs/<stack>/     one kubeconfig for each cluster, for kubie and kubeswitch
"""


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        import tomllib

        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        click.echo(f"{project['name']} {project['version']}")
        context.exit()


@click.group(cls=LazyGroup, context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Create, change and inspect the kubeadm clusters that a stack's config describes.

    Results go to standard output, progress and errors to standard error.
    """


def main() -> None:
    """Run the command line; a failure is one message, not a traceback."""
    _open_missing_streams()
    try:
        cli(prog_name="fleet")
    except (OperatorError, OSError) as error:
        _fail(text_of(error), getattr(error, "exit_status", OperatorError.exit_status))


def _open_missing_streams() -> None:
    """Open the standard streams that the caller closed, before other files get their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(mode))


def _nowhere(mode: str) -> IO[str]:
    return Path(os.devnull).open(mode, encoding="utf-8")


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"fleet: {message}", err=True)
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = _nowhere("w")  # It is flushed again at the end.
    sys.exit(status)


if __name__ == "__main__":
    main()
