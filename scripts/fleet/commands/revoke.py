"""End a person's access to all clusters immediately."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = (
    examples(
        "fleet revoke alice            on all clusters of the stack dev",
        "fleet revoke alice -s prod    on those of another stack",
        "fleet revoke alice --cut      end open streams, too",
    )
    + """

\b
Exit status:
  0  done everywhere
  1  a machine or a cluster could not be reached: it is named, and still to be done"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.argument("user")
@click.option("--cut", is_flag=True, help="Restart the API servers, one at a time in each cluster.")
@stack_option()
def command(user: str, stack: str, cut: bool) -> None:
    """Remove a person's CA from every control plane and delete their bindings, without an `up`.

    Sets `revoked: true` for them in the stack's file, so that no run grants the access again before
    it is removed; commit the file. `fleet status` lists who is revoked and still in the file.

    New requests are refused as soon as an API server has read its file again, on open connections,
    too; streams that are open (watch, logs -f, exec) go on until they end, and nothing is restarted
    unless --cut is given. It waits for steps that are active on the machines.
    """
    from scripts.fleet import revocation

    raise SystemExit(revocation.revoke(stack, user, cut=cut))
