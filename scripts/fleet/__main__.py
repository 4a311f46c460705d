"""`fleet`: one command for everything that a person does with a fleet."""

import sys

import click

from ops.errors import OperatorError
from scripts.fleet.lazy_group import LazyGroup
from scripts.fleet.options import CONTEXT_SETTINGS

FAILED = 2

EPILOG = """
\b
Examples:
  fleet preview            what would change in the stack dev
  fleet up                 make it so, write ./kubeconfig, show the nodes
  fleet status -s prod     clusters, nodes, and what is not well
  fleet COMMAND --help     all about one command

\b
Exit status:
  0  done; nothing found
  1  found: something is not well
  2  failed, or something could not be read; `fleet pulumi` passes on pulumi's own

\b
Environment:
  FLEET_STACK              the stack, where none is named (dev)
  PULUMI_BACKEND_URL       a backend of your own, used as `pulumi` itself would use it
  KUBEADM_FLEET_STATE      backend and passphrase of the stacks without one
                           (~/.local/state/kubeadm-fleet)
  KUBEADM_FLEET_CACHE      tool chain, bundles, images (~/.cache/kubeadm-fleet)
  NO_COLOR                 no colours

\b
Files:
  Pulumi.<stack>.yaml      what the stack's clusters should be
  kubeconfig               contexts of one stack's clusters
  kubeconfigs/<stack>/     a file for each cluster, for kubie and kubeswitch
"""


@click.group(cls=LazyGroup, context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def cli() -> None:
    """Make kubeadm clusters from a stack's config, look at them and change them.

    Data is printed on standard output, progress on standard error.
    """


def main() -> None:
    """Run the command line; a failure is one message, not a traceback."""
    try:
        cli(prog_name="fleet")
    except OperatorError as error:
        click.echo(f"fleet: {error}", err=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
