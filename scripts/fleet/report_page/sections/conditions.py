"""What is wrong, since when, and what to do: the conditions of `fleet status`.

Those that machines report of themselves are a section of their own.
"""

from collections import Counter

from model.fleet_report.document import FleetReport
from model.status.condition import Condition, Severity, grouped
from model.status.reasons import OF_MACHINES
from scripts.fleet.report_page.blocks import (
    Cell,
    Column,
    Paragraph,
    Section,
    Table,
    Tone,
    limited,
)
from scripts.fleet.report_page.words import Words

OPEN = 15
TONES = {Severity.ERROR: Tone.BAD, Severity.WARNING: Tone.WARN, Severity.INFO: Tone.MUTED}


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("conditions.title")
    every = report.status.all_conditions
    found = grouped(each for each in every if each.reason not in OF_MACHINES)
    if not found:
        return Section("conditions", title, [Paragraph(words("conditions.none"), Tone.GOOD)])
    columns = [
        Column(words("conditions.object")), Column(words("conditions.severity")),
        Column(words("conditions.reason")), Column(words("conditions.since")),
        Column(words("conditions.message"), is_wide=True),
    ]  # fmt: skip
    rows = [_row(each, words) for each in found]
    table = Table(words("conditions.caption"), columns, rows)
    counts = Counter(each.severity for each in found)
    return Section(
        "conditions",
        title,
        limited(table, OPEN, words.count("more", len(rows) - OPEN)),
        str(counts[Severity.ERROR] + counts[Severity.WARNING] or ""),
        Tone.BAD if counts[Severity.ERROR] else Tone.PLAIN,
    )


def _row(condition: Condition, words: Words) -> list[Cell]:
    severity = condition.severity
    return [
        Cell(condition.subject),
        Cell(words(f"severity.{severity.value.lower()}"), TONES[severity]),
        Cell(condition.reason, is_code=True),
        Cell(words.time(condition.since) if condition.since else words("unknown")),
        Cell(condition.message, language="en"),
    ]
