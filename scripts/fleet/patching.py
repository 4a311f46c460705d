"""Security updates on the terminal: what is pending, the round in the stack's file, and its run."""

import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import click
from rich.table import Table

from model.config.upgrades import SECURITY_UPDATES_FORMAT
from model.plural import counted
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.hosts.inventory import Inventory, InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.patches import SOURCES_UNREAD, PatchReport
from ops.hosts.session import TOO_LONG, HostConnection, OperationFailed
from ops.hosts.ssh_errors import Unreachable
from ops.private_file import rewrite
from ops.pulumi.stack_edit import with_value
from ops.pulumi.stack_file import read
from scripts.fleet import file_change
from scripts.fleet.engine_run import existing_engine, inventory, require_unlocked, show

PARALLEL = 32
UNHEALTHY = 1
SURVEY = "survey_patches"
KEY = ("upgrades", "securityUpdates")
COLUMNS = ("CLUSTER", "MACHINE", "UPDATES", "KEPT BACK", "REBOOT")


@dataclass(frozen=True)
class Pending:
    """A machine and what it says about its updates; an error if it says nothing."""

    machine: InventoryMachine
    report: PatchReport = field(default_factory=PatchReport)
    error: OperatorError | None = None

    @property
    def is_due(self) -> bool:
        """Whether a round would change the machine, as far as that is known."""
        return self.error is not None or self.report.is_due


def show_pending(stack: str, clusters: Collection[str], selector: LabelSelector | None) -> int:
    """List what is pending on the machines of these clusters; return the exit status."""
    engine = existing_engine(stack)
    pending = survey(inventory(stack), file_change.selected(engine, clusters, selector))
    print_pending(pending)
    return UNHEALTHY if any(each.error for each in pending) else 0


def patch(
    stack: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    *,
    write_only: bool,
    yes: bool,
) -> None:
    """Begin another round on these clusters, on all if none is named, unless nothing is pending."""
    engine = existing_engine(stack)
    if not (write_only or yes or sys.stdin.isatty()):
        raise OperatorError(
            "there is no terminal for the question whether to apply the updates: use --yes, "
            "--write-only and commit the file, or --dry-run"
        )
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    known = file_change.clusters(read(file))
    names = file_change.selected(engine, clusters, selector) or [*known]
    if unknown := sorted(set(names) - set(known)):
        raise OperatorError(
            f"the stack's file has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(known)}"
        )
    pending = survey(inventory(stack), names)
    print_pending(pending)
    _reject_failures(pending)
    due = [name for name in names if any(_is_of(each, name) and each.is_due for each in pending)]
    if not due:
        click.echo(
            "nothing is pending; a round that was interrupted is completed by `fleet up`", err=True
        )
        return
    text = edited(former, known, due, datetime.now(UTC))
    if not write_only:
        require_unlocked(engine)
    file_change.show_difference(file, former, text)
    if write_only:
        rewrite(file, text)
        click.echo(
            f"{file.name} is written, and nothing was run: `fleet preview {stack}` shows which "
            "machines it concerns, `fleet up` applies it",
            err=True,
        )
        return
    file_change.preview(engine, text, "" if yes else f"Apply these changes to {stack}?")
    file_change.up(stack)


def survey(machines: Inventory, clusters: Collection[str]) -> list[Pending]:
    """Ask all machines of these clusters, of all if none is named, which updates are pending."""
    asked = machines.of_clusters(clusters)
    click.echo(
        f"asking {counted(len(asked), 'machine')} for pending updates: apt reads its package "
        f"sources again, for at most {OPERATIONS[SURVEY].seconds} s",
        err=True,
    )
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return [*pool.map(_ask, asked)]


def _ask(machine: InventoryMachine) -> Pending:
    try:
        with HostConnection(machine.name, machine.login).open() as session:
            said = session.run(SURVEY, OPERATIONS[SURVEY], {"NODE_NAME": machine.name})
        return Pending(machine, PatchReport.parse(said.splitlines()))
    except OperatorError as error:
        return Pending(machine, error=error)


def print_pending(pending: Sequence[Pending]) -> None:
    """Print a row for each machine, then the packages: machines with the same ones share a line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for each in pending:
        table.add_row(*row(each))
    show(table)
    for packages, machines in by_packages(pending):
        click.echo(f"\n{', '.join(machines)}:")
        for package in packages:
            click.echo(f"  {package}")
    for each in pending:
        if each.error:
            click.echo(f"\n{each.error}", err=True)


def row(pending: Pending) -> tuple[str, ...]:
    """Return the columns of a machine."""
    machine, report = pending.machine, pending.report
    if pending.error:
        return machine.cluster, machine.name, _unknown(pending.error), "-", "-"
    count = str(len(report.updates)) + (", interrupted" if report.incomplete else "")
    kept = " ".join(report.kept) or "-"
    return machine.cluster, machine.name, count, kept, reboot_of(report)


def _unknown(error: OperatorError) -> str:
    """Say why a machine's updates are not known; the error has the details."""
    if isinstance(error, Unreachable):
        return "unknown: it cannot be reached"
    status = error.status if isinstance(error, OperationFailed) else 0
    reasons = {TOO_LONG: "timed out", SOURCES_UNREAD: "its package sources could not be read"}
    return f"unknown: {reasons[status]}" if status in reasons else "unknown"


def reboot_of(report: PatchReport) -> str:
    """Say whether a round reboots the machine; packages may ask for it while they are installed."""
    if report.reboot:
        return f"yes: {report.reboot}"
    if report.kernels:
        return f"yes: {' '.join(report.kernels)}"
    return "if a package asks for it" if report.updates or report.incomplete else "no"


def by_packages(pending: Sequence[Pending]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return lines for packages, and the machines that have all of them pending."""
    lines = [
        (tuple(_line(update) for update in each.report.updates), each.machine.name)
        for each in pending
        if each.report.updates
    ]
    grouped = groupby(sorted(lines), lambda line: line[0])
    return [(packages, [name for _, name in group]) for packages, group in grouped]


def _line(update: str) -> str:
    name, former, new, *_ = [*update.split(), "?", "?", "?"]
    return f"{name} {former} -> {new}"


def _reject_failures(pending: Sequence[Pending]) -> None:
    """Stop if a machine that answers cannot be patched: its cluster would stop in its midst."""
    failed = [each for each in pending if each.error and not isinstance(each.error, Unreachable)]
    if failed:
        names = ", ".join(each.machine.name for each in failed)
        raise OperatorError(
            f"{names}: see above why the updates are unknown; nothing was changed on any machine"
        )


def _is_of(pending: Pending, cluster: str) -> bool:
    return pending.machine.cluster == cluster


def edited(text: str, clusters: Mapping[str, Any], names: Collection[str], now: datetime) -> str:
    """Return the stack file's text with another round for these clusters."""
    for name in names:
        given = str(((clusters[name] or {}).get(KEY[0]) or {}).get(KEY[1]) or "")
        text = with_value(text, (*file_change.FLEET, name, *KEY), next_round(given, now))
    return text


def next_round(given: str, now: datetime) -> str:
    """Return a round that is later than the given one, whatever a person wrote there."""
    begun = now.strftime(SECURITY_UPDATES_FORMAT)
    if begun > given:
        return begun
    try:
        later = datetime.strptime(given, SECURITY_UPDATES_FORMAT) + timedelta(seconds=1)
    except ValueError:
        return begun
    return later.strftime(SECURITY_UPDATES_FORMAT)
