"""`fleet report`: everything that is known of a fleet, asked together, as one page."""

import hashlib
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import click
from pydantic import ValidationError

from model.fleet_report import assembly
from model.fleet_report.assembly import Read
from model.fleet_report.document import FleetReport, SourceName
from model.paths import state_dir
from ops import fan_out
from ops.errors import OperatorError, text_of
from ops.private_file import write_private
from scripts.fleet import cluster_sources, status_command
from scripts.fleet.options import View

# What is put together after the deadline has some time to be handed over.
GRACE_SECONDS = 0.5
# The modules that write a page are named as the formats.
PAGE = "scripts.fleet.report_page."


@dataclass(frozen=True)
class ReportOutput:
    """How a report is printed, where, in which language, and what it is compared with."""

    form: str
    language: str
    file: Path | None
    since: Path | None


def show(stack: str, view: View, wanted: Collection[SourceName], output: ReportOutput) -> None:
    """Ask, write the report, and keep it for the next one to be compared with."""
    if output.form != "json":
        # The page's libraries are imported while clusters are waited for.
        threading.Thread(target=import_module, args=[PAGE + output.form], daemon=True).start()
    former_file = _kept(stack, view.kubeconfig)
    former = _former(output.since) if output.since else _last(former_file)
    found = read(stack, view, wanted)
    selection = view.clusters or view.selector
    asked = [each.name for each in found.status.clusters] if selection else None
    compared = assembly.compared(found, former, asked)
    _write(rendered(compared, output), output.file)
    if not selection:
        _keep(former_file, compared)


def read(stack: str, view: View, wanted: Collection[SourceName]) -> FleetReport:
    """Ask the clusters and their machines; return the report."""
    targets, cache = status_command.chosen(stack, view)
    now = datetime.now(UTC).replace(microsecond=0)

    def of_machines() -> Read:
        from scripts.fleet import machine_sources

        return machine_sources.read(stack, targets, wanted, now, view.seconds)

    is_stack = view.kubeconfig is None
    deadline = time.monotonic() + view.seconds + GRACE_SECONDS
    answer = fan_out.begin(of_machines if is_stack else Read)
    status, compared = cluster_sources.read(stack, view, targets, cache)
    said = answer(deadline - time.monotonic())
    reason = cluster_sources.reason(said.error, view.seconds)
    machines = said.value or assembly.unread(reason, wanted)
    name = view.kubeconfig.name if view.kubeconfig else stack
    return assembly.report(name, now, status, machines, compared, is_stack=is_stack)


def rendered(report: FleetReport, output: ReportOutput) -> str:
    """Return a report as text of its format."""
    if output.form == "json":
        return report.model_dump_json(by_alias=True, indent=2)
    from scripts.fleet.report_page.words import Words

    module = import_module(PAGE + output.form)
    return str(module.page(report, Words.of(output.language)))


def _write(text: str, file: Path | None) -> None:
    if file is None:
        click.echo(text)
        return
    try:
        write_private(file, text + "\n")
    except OSError as error:
        raise OperatorError(f"the report cannot be written: {text_of(error)}") from None
    size = len(text.encode()) / 1000
    click.echo(f"fleet: {file}: {size:.0f} kB, readable by you alone", err=True)


def _kept(stack: str, kubeconfig: Path | None) -> Path:
    """Return the file of the last report of a stack, or of a kubeconfig."""
    name = stack
    if kubeconfig is not None:
        name = f"kubeconfig@{hashlib.sha256(str(kubeconfig.resolve()).encode()).hexdigest()[:16]}"
    return state_dir() / "reports" / f"{name}.json"


def _last(file: Path) -> FleetReport | None:
    """Return the last report; a file that is damaged or of another version is as good as none."""
    with suppress(OSError, ValueError):
        return FleetReport.model_validate_json(file.read_bytes())
    return None


def _former(file: Path) -> FleetReport:
    """Return a report that a person names; raises OperatorError."""
    try:
        return FleetReport.model_validate_json(file.read_bytes())
    except OSError as error:
        raise OperatorError(f"--since: {text_of(error)}") from None
    except ValidationError:
        raise OperatorError(
            f"--since: {file} is not a report: name a file that `fleet report -o json` wrote"
        ) from None


def _keep(file: Path, report: FleetReport) -> None:
    """Keep a report for the next one; one that cannot be kept is no failure."""
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, report.model_dump_json(by_alias=True))
