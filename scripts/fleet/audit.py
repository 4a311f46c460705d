"""`fleet audit`: questions to the audit logs of a stack's clusters, answered and printed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import click
from rich.table import Table
from rich.text import Text

from model.audit.collection import DeprecatedClients, NewestEvents
from model.audit.query import Query
from model.audit.report import AuditReport, LogSource
from model.config.errors import visible
from model.machine import CONTROL_PLANE
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.hosts import audit_logs
from scripts.fleet import access, engine_run
from scripts.fleet.audit_columns import rows, shortened, time_text
from scripts.fleet.audit_page import page
from scripts.fleet.report import print_document

FAILED = 2


@dataclass(frozen=True)
class AuditOutput:
    """How an answer is printed: its format, at most how many rows, and whether with titles."""

    form: str
    limit: int
    headers: bool = True


def show(
    stack: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    query: Query,
    output: AuditOutput,
) -> int:
    """Print what the logs of these clusters, or of all, answer; return the exit status."""
    inventory = engine_run.inventory(stack)
    if selector:
        clusters = access.matching_clusters(engine_run.existing_engine(stack), selector)
    machines = [each for each in inventory.of_clusters(clusters) if each.role == CONTROL_PLANE]
    if not machines:
        raise OperatorError(f"the stack {stack} has no control planes: run `fleet up {stack}`")
    is_counted = query.question.name == "deprecated"
    collection = DeprecatedClients(output.limit) if is_counted else NewestEvents(output.limit)
    sources, unreadable = audit_logs.read(machines, query, collection)
    entries = collection.entries()
    report = AuditReport.model_validate(
        {
            "time": query.now,
            "question": query.question.name,
            "since": query.since,
            "until": query.until,
            "clients" if is_counted else "events": entries,
            "is_truncated": collection.is_truncated,
            "sources": sources,
            "unreadable": unreadable,
        }
    )
    _print(report, output)
    for note in _notes(report):
        click.echo(f"fleet: {visible(' '.join(note.split()))}", err=True)
    return FAILED if unreadable else 0


def _print(report: AuditReport, output: AuditOutput) -> None:
    if output.form == "json":
        print_document(report, output.form)
    elif output.form == "html":
        click.echo(page(report))
    else:
        found = rows(report, wide=output.form == "wide")
        if found.rows:
            table = Table(box=None, pad_edge=False, header_style="bold", show_header=output.headers)
            for title in found.titles:
                table.add_column(title, overflow="fold")
            for row in found.rows:
                # A text: what a client has chosen is no markup.
                table.add_row(*(Text(shortened(cell)) for cell in row))
            engine_run.show(table)


def _notes(report: AuditReport) -> Iterator[str]:
    """Yield what a reader must know of an answer: what it is not complete without."""
    if not (report.events or report.clients):
        yield "no such requests were found"
    if report.is_truncated:
        yield "there are more: only the newest are shown (--limit)"
    if late := _late(report):
        newest = max(late, key=lambda each: each.begins or report.time)
        begins = f"begins at {time_text(newest.begins)}" if newest.begins else "is empty"
        others = f", of {len(late)} such logs" if len(late) > 1 else ""
        yield f"what happened before is not known: the log of {newest.node} {begins}{others}"
    for source in report.sources:
        if source.skipped_lines:
            yield f"{source.node}: skipped {source.skipped_lines} lines that are incomplete events"
    for unknown in report.unreadable:
        yield f"{unknown.node}: {unknown.reason}"


def _late(report: AuditReport) -> list[LogSource]:
    """Return the logs that do not reach back to the time that was requested."""
    return [
        each
        for each in report.sources
        if each.begins is None or report.since is None or each.begins > report.since
    ]
