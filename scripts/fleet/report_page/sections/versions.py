"""Which versions run where."""

from itertools import groupby

from model.fleet_report.document import FleetReport
from model.fleet_report.versions import VersionUse
from scripts.fleet.report_page import charts
from scripts.fleet.report_page.blocks import (
    Block,
    Cell,
    Column,
    Paragraph,
    Section,
    Table,
    Tone,
)
from scripts.fleet.report_page.words import Words


def section(report: FleetReport, words: Words) -> Section:
    """Return the section: components with several versions first."""
    title = words("versions.title")
    if not report.versions:
        return Section("versions", title, [Paragraph(words("versions.unknown"), Tone.MUTED)])
    groups = [list(group) for _, group in groupby(report.versions, lambda each: each.component)]
    mixed = [group for group in groups if len(group) > 1]
    alike = [group[0] for group in groups if len(group) == 1]
    blocks: list[Block] = []
    if mixed:
        columns = [
            Column(words("versions.component")), Column(words("versions.version")),
            Column(words("versions.count"), is_number=True), Column(words("versions.share")),
            Column(words("overview.clusters"), is_wide=True),
        ]  # fmt: skip
        rows = [_row(each, group, words) for group in mixed for each in group]
        blocks.append(Table(words("versions.mixed"), columns, rows))
    if alike:
        columns = [
            Column(words("versions.component")), Column(words("versions.version")),
            Column(words("versions.count"), is_number=True),
        ]  # fmt: skip
        rows = [
            [Cell(each.component), Cell(each.version, is_code=True), Cell(f"{each.count:,}")]
            for each in alike
        ]
        blocks.append(Table(words("versions.alike"), columns, rows))
    return Section("versions", title, blocks)


def _row(each: VersionUse, group: list[VersionUse], words: Words) -> list[Cell]:
    total = sum(other.count for other in group)
    share = f"{100 * each.count / total:.0f} %"
    return [
        Cell(each.component),
        Cell(each.version, is_code=True),
        Cell(f"{each.count:,}"),
        Cell(share, bar=charts.small_bar([("used", each.count), ("rest", total - each.count)])),
        Cell(words.names(each.clusters)),
    ]
