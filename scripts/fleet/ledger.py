"""`fleet certs`: the ledger of a stack, read and printed."""

from collections.abc import Collection
from datetime import timedelta

import click

from model.config.durations import parse_seconds
from model.pki import ledger as ledgers
from model.pki.ledger import Ledger
from model.pki.ledger_facts import Place
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.hosts import certificates
from ops.pulumi.workspace import open_workspace
from scripts.fleet import (
    access,
    engine_run,
    local_certificates,
    registered_tokens,
    served_certificates,
)
from scripts.fleet.explanation import clusters_of
from scripts.fleet.ledger_table import certificate_table, key_table, token_table
from scripts.fleet.report import print_document

FOUND, FAILED = 1, 2
RUNBOOK = "docs/runbooks/certificates.md"


def show(
    stack: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    threshold_seconds: int | None,
    output: str,
) -> int:
    """Print the ledger of these clusters, or of all; return the exit status."""
    outputs = engine_run.outputs(stack)
    machines = engine_run.inventory_in(outputs, stack)
    if selector:
        clusters = access.matching_clusters(engine_run.existing_engine(stack), selector)
    threshold = None if threshold_seconds is None else timedelta(seconds=threshold_seconds)
    now = ledgers.now()
    local = local_certificates.read(stack, clusters, Place("", "", now, threshold))
    of_machines = certificates.read(machines.of_clusters(clusters), threshold, warn_before(stack))
    of_tools = registered_tokens.read(outputs, clusters, Place("", "", now, threshold))
    of_add_ons = served_certificates.read(outputs, clusters, Place("", "", now, threshold))
    ledger = ledgers.combined([*of_machines, local, of_add_ons, of_tools], now)
    _print(ledger, output)
    for unknown in ledger.unreadable:
        click.echo(f"fleet: {unknown.node or 'this host'}: {unknown.reason}", err=True)
    for failure in ledger.failures:
        click.echo(
            f"fleet: {failure.node}: the renewal of {failure.subject} failed: {failure.reason}",
            err=True,
        )
    if ledger.findings:
        click.echo(f"fleet: certificates need attention: see {RUNBOOK}", err=True)
    if ledger.unreadable:
        return FAILED
    return FOUND if ledger.findings else 0


def warn_before(stack: str) -> dict[str, timedelta]:
    """Return how long before its end a CA is to be rotated, by cluster of the stack's file."""
    try:
        described = clusters_of(open_workspace(stack).tracked_config)
    except OperatorError:
        return {}  # An error in the file hides no certificate.
    return {
        name: timedelta(seconds=parse_seconds(cluster.settings.certificates.warn_before))
        for name, cluster in described.items()
    }


def _print(ledger: Ledger, output: str) -> None:
    if output == "table":
        engine_run.show(certificate_table(ledger))
        if ledger.tokens:
            click.echo()
            engine_run.show(token_table(ledger))
        if ledger.keys:
            click.echo()
            engine_run.show(key_table(ledger))
    else:
        print_document(ledger, output)
