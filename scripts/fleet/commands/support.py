"""Pack what a colleague needs of a cluster into one archive, without secrets."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, kubeconfig_option, stack_option

TIMEOUT_SECONDS = 30.0
EPILOG = (
    examples(
        "fleet support tokyo --recipient age1...              for the holder of this key of age",
        "fleet support tokyo -r colleague.pub -r team.txt     for several: files with public keys",
        "fleet support -s prod tokyo -r age1... --timeout 60  more time for slow connections",
        "fleet support --kubeconfig FILE admin --unencrypted  a context of any kubeconfig",
    )
    + """

\b
Decrypt and unpack:
  age --decrypt --identity KEY_FILE ARCHIVE | tar --extract --gzip

\b
Exit status:
  0  the archive is complete
  1  the archive was written, and lacks something: see the end of the output, or its README.txt
  2  nothing was written: a wrong recipient, an existing file, no such cluster, or wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@kubeconfig_option()
@click.option(
    "-r",
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY|FILE",
    help="Who can decrypt it: a public key of age (age1...) or SSH (ssh-ed25519, ssh-rsa), or a "
    "file with such keys; repeatable.",
)
@click.option("--unencrypted", is_flag=True, help="Do not encrypt the archive.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The archive (default: CLUSTER-support-TIME.tar.gz.age in this folder).",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to gather; what was not obtained by then is listed as missing.",
)
@click.argument("cluster", metavar="CLUSTER")
def command(
    stack: str,
    kubeconfig: Path | None,
    recipients: tuple[str, ...],
    unencrypted: bool,
    output: Path | None,
    force: bool,
    timeout: float,
    cluster: str,
) -> None:
    """Gather objects, events, logs, facts of machines, etcd's state and the settings of CLUSTER.

    All sources are asked at the same time. One that does not answer is listed as missing, in the
    output and in the archive: a cluster whose API or machines are dead can be archived, too. If its
    endpoint does not answer, each control plane is asked directly.

    Secrets are taken out before anything is written: the values of the cluster's Secrets, wherever
    they appear and however they are encoded; private keys, tokens, passwords in URLs, flags,
    environment variables and documents. Of Secrets, and of ConfigMaps that are not Kubernetes'
    own, only the names and sizes of keys are archived. Look through an archive before you give it
    to somebody who must not know the cluster's names, addresses and logs: they are in it.

    The archive is encrypted to the recipients and has the mode 0600. README.txt in it says what is
    where, manifest.json the same for a program (docs/support.schema.json).

    With --kubeconfig, CLUSTER is a context, and no machine is read.
    """
    from scripts.fleet import support
    from scripts.fleet.support import Wish

    if bool(recipients) == unencrypted:
        raise click.UsageError(
            "name who can decrypt the archive with --recipient, or say --unencrypted"
            if not recipients
            else "--recipient and --unencrypted cannot be combined"
        )
    wish = Wish(stack, cluster, kubeconfig, recipients, output, force, timeout)
    raise SystemExit(support.write(wish))
