"""Watch clusters, and report what breaks when it begins and when it ends."""

from pathlib import Path

import click

from model.selectors import LabelSelector
from scripts.fleet.duration import Duration
from scripts.fleet.listening import Address, Listening
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    check_selection,
    cluster_option,
    examples,
    selector_option,
    stack_argument,
)

EPILOG = (
    examples(
        "fleet watch prod --user watch           issue and renew the kubeconfig of this person",
        "fleet watch prod --user watch -l env=prod,region!=osaka   only clusters with these labels",
        "fleet watch --kubeconfig FILE           watch every context of a kubeconfig",
        "fleet watch --kubeconfig FILE -o json   print JSON lines",
        "fleet watch --kubeconfig FILE --events /var/log/fleet-events.jsonl",
        "fleet watch --kubeconfig FILE --metrics 9877   serve metrics to Prometheus",
        "fleet watch --kubeconfig FILE --slack @/etc/kubeadm-fleet/slack",
        "fleet watch --kubeconfig FILE --print-unit   print a systemd unit (docs/watch.md)",
    )
    + """

\b
Exit status:
  0  it was ended by SIGTERM or Ctrl-C
  2  the kubeconfig, the state file, a webhook or the address of --metrics could not be used, or
     wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option(
    "--user",
    metavar="NAME",
    help="Watch the stack's clusters as this person, whose role is watcher.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Watch the contexts of this kubeconfig; it is read again when it changes.",
)
@cluster_option()
@selector_option()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["log", "json"]),
    default="log",
    show_default=True,
    help="Format of events on standard output; docs/watch.schema.json describes the fields.",
)
@click.option(
    "--events",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also append each event to FILE, as a line of JSON.",
)
@click.option(
    "--metrics",
    type=Listening(),
    metavar="[ADDRESS:]PORT",
    help="Also serve metrics for Prometheus at /metrics (default of ADDRESS: 127.0.0.1).",
)
@click.option(
    "--webhook",
    "webhooks",
    multiple=True,
    metavar="URL|@FILE|env:NAME",
    help="Also post each event as JSON, until it is taken; FILE and the variable NAME have the URL "
    "in the first line and headers in further ones. Repeatable.",
)
@click.option(
    "--slack",
    multiple=True,
    metavar="@FILE|env:NAME",
    help="Also post each event as a message to an incoming webhook of Slack. Repeatable.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What was reported (default: below KUBEADM_FLEET_STATE, by stack or kubeconfig).",
)
@click.option(
    "--certificates",
    type=Duration(),
    default="7d",
    show_default=True,
    metavar="DURATION",
    help="Report certificates of machines that expire within this time.",
)
@click.option(
    "--print-unit",
    is_flag=True,
    help="Print a systemd unit that runs this command with these options, and end.",
)
@click.pass_context
def command(
    context: click.Context,
    stack: str,
    user: str | None,
    kubeconfig: Path | None,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    output: str,
    events: Path | None,
    metrics: Address | None,
    webhooks: tuple[str, ...],
    slack: tuple[str, ...],
    state: Path | None,
    certificates: int,
    print_unit: bool,
) -> None:
    """Watch clusters, and report what breaks: once when it begins, once when it ends.

    Each event is a line: time, BEGAN or ended, severity, object, reason, since when, what it is,
    the command to begin with, and its runbook. Within 30 seconds it reports Nodes that are not
    Ready, components of control planes, etcd, certificates, snapshots that are overdue, files and
    services of machines that differ from what was declared, Nodes whose pods do not reach each
    other, and APIs that do not answer. A condition that is gone for less than 15 seconds has not
    ended; one that comes and goes is reported less and less often.

    What was reported is in the state file: a restart repeats nothing. A cluster that is added to
    the kubeconfig is watched from then on; the conditions of one that is removed end.

    --selector chooses by the labels of the stack's clusters, as of the last fleet up: the
    conditions of one that does not match any more end, too. A kubeconfig knows no labels: name
    clusters with --cluster there, or give the person an access with a selector.

    It only reads. Give it a credential of its own: a person of people.users whose role is watcher.
    With --user, the person's kubeconfig is issued now and in the last third of its lifetime, for
    which the stack's state is needed; with --kubeconfig, nothing else is.

    With --print-unit, it runs as a user that systemd makes for it, which can read nothing but the
    files that were named here; root alone has to be able to read those.

    The clusters' APIs must speak HTTP/2, as Kubernetes' own do: each is watched over one
    connection.
    """
    from datetime import timedelta

    from scripts.fleet import watch_command, watch_credential, watch_unit

    if (user is None) == (kubeconfig is None):
        raise click.UsageError(
            "name a credential that only reads: --user NAME (a person of the stack whose role is "
            "watcher), or --kubeconfig FILE"
        )
    check_selection(clusters, selector, kubeconfig)
    if print_unit:
        watch_unit.show(context)
        return
    renew = watch_credential.renewing(stack, user, selector) if user else None
    path = kubeconfig or (renew.path if renew else Path())
    watch_command.run(
        watch_command.Watched(
            kubeconfig=path,
            clusters=clusters,
            state=state or watch_credential.state_path(stack if user else None, path),
            as_json=output == "json",
            events=events,
            certificates=timedelta(seconds=certificates),
            metrics=metrics,
            webhooks=webhooks,
            slack=slack,
            is_chosen=renew.is_chosen if renew else lambda _cluster: True,
        ),
        renew or (lambda: None),
    )
