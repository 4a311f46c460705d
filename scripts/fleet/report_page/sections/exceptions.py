"""Security policies: which clusters hold the baseline, and what is weaker where."""

from collections.abc import Mapping

from model.fleet_report.document import FleetReport
from scripts.fleet.report_page.blocks import (
    Block,
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


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("exceptions.title")
    if not report.is_stack:
        return Section("exceptions", title, [Paragraph(words("exceptions.unknown"), Tone.MUTED)])
    clusters = report.status.clusters
    by_line: dict[str, list[str]] = {}
    for each in clusters:
        for line in each.exceptions:
            by_line.setdefault(line, []).append(each.name)
    whole = [each.name for each in clusters if not each.exceptions]
    blocks: list[Block] = [
        Paragraph(words.count("exceptions.whole", len(whole), total=len(clusters)))
    ]
    if by_line:
        columns = [
            Column(words("exceptions.setting")), Column(words("exceptions.value")),
            Column(words("exceptions.meaning"), is_wide=True),
            Column(words("overview.clusters"), is_wide=True),
        ]  # fmt: skip
        rows = [_row(line, names, words) for line, names in _most_used(by_line)]
        table = Table(words("exceptions.caption"), columns, rows)
        blocks += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    blocks += _rest(report, words)
    return Section("exceptions", title, blocks, str(len(by_line) or ""))


def _rest(report: FleetReport, words: Words) -> list[Block]:
    """Return what else a person has to finish: revoked access and rotations."""
    found: list[Block] = []
    rotations = [(each.name, line) for each in report.status.clusters for line in each.rotations]
    for title, lines in (
        ("exceptions.rotations", [f"{name}: {line}" for name, line in rotations]),
        ("exceptions.revoked", report.status.revoked),
    ):
        if lines:
            rows = [[Cell(line, language="en")] for line in lines]
            column = Column(words("exceptions.line"), is_wide=True)
            table = Table(words(title), [column], rows)
            found += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    return found


def _most_used(by_line: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted(by_line.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def _row(line: str, names: list[str], words: Words) -> list[Cell]:
    setting, _, rest = line.partition(" is ")
    value, _, meaning = rest.partition(": ")
    return [
        Cell(setting, is_code=True),
        Cell(value, is_code=True),
        Cell(meaning, language="en"),
        Cell(words.names(names)),
    ]
