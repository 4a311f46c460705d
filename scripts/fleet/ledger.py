"""`fleet certs`: the ledger of a stack, read and printed."""

from collections.abc import Collection
from datetime import timedelta

import click

from model.pki import ledger as ledgers
from model.pki.ledger import Ledger
from model.pki.ledger_facts import Place
from model.selectors import LabelSelector
from ops.hosts import certificates
from scripts.fleet import access, engine_run, local_certificates
from scripts.fleet.ledger_table import certificate_table, key_table
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
    machines = engine_run.inventory(stack)
    if selector:
        clusters = access.matching_clusters(engine_run.existing_engine(stack), selector)
    threshold = None if threshold_seconds is None else timedelta(seconds=threshold_seconds)
    now = ledgers.now()
    local = local_certificates.read(stack, clusters, Place("", "", now, threshold))
    of_machines = certificates.read(machines.of_clusters(clusters), threshold)
    ledger = ledgers.combined([*of_machines, local], now)
    _print(ledger, output)
    for unknown in ledger.unreadable:
        click.echo(f"fleet: {unknown.node}: {unknown.reason}", err=True)
    if ledger.findings:
        click.echo(f"fleet: certificates need attention: see {RUNBOOK}", err=True)
    if ledger.unreadable:
        return FAILED
    return FOUND if ledger.findings else 0


def _print(ledger: Ledger, output: str) -> None:
    if output == "table":
        engine_run.show(certificate_table(ledger))
        if ledger.keys:
            click.echo()
            engine_run.show(key_table(ledger))
    else:
        print_document(ledger, output)
