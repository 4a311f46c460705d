"""What machines report of themselves that is not as it was declared."""

from model.fleet_report import machines
from model.fleet_report.document import FleetReport
from model.fleet_report.machines import MachineFinding
from model.status.condition import Severity
from scripts.fleet.report_page.blocks import Cell, Column, Paragraph, Section, Table, Tone, limited
from scripts.fleet.report_page.sections.conditions import TONES
from scripts.fleet.report_page.words import Words

OPEN = 12


def section(report: FleetReport, words: Words) -> Section | None:
    """Return the section; None where no machine reports, as of other programs' clusters."""
    title = words("machines.title")
    found = machines.of_conditions(report.status.all_conditions)
    if not found:
        if not report.is_stack:
            return None
        return Section("machines", title, [Paragraph(words("machines.none"), Tone.GOOD)])
    columns = [
        Column(words("machines.finding"), is_wide=True), Column(words("conditions.severity")),
        Column(words("conditions.since")), Column(words("machines.count"), is_number=True),
        Column(words("overview.clusters"), is_wide=True),
    ]  # fmt: skip
    rows = [_row(each, words) for each in found]
    table = Table(words("machines.caption"), columns, rows)
    problems = sum(each.severity is not Severity.INFO for each in found)
    return Section(
        "machines",
        title,
        [
            Paragraph(words("machines.intro")),
            *limited(table, OPEN, words.count("more", len(rows) - OPEN)),
        ],
        str(problems or ""),
    )


def _row(each: MachineFinding, words: Words) -> list[Cell]:
    return [
        Cell(each.message, language="en"),
        Cell(words(f"severity.{each.severity.value.lower()}"), TONES[each.severity]),
        Cell(words.time(each.since) if each.since else words("unknown")),
        Cell(f"{each.machines:,}"),
        Cell(words.names(each.clusters)),
    ]
