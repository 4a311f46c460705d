"""How to read the page: the scale of the grades, what was read, and what was not."""

from itertools import pairwise

from model.fleet_report.compared import OF_CLUSTERS
from model.fleet_report.document import FleetReport, SourceState
from model.fleet_report.grade import COSTS, FULL, GRADES
from scripts.fleet.report_page.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Paragraph,
    Section,
    Table,
    Tone,
    limited,
)
from scripts.fleet.report_page.words import Words

OPEN = 15
TONES = {
    SourceState.READ: Tone.GOOD,
    SourceState.PARTIAL: Tone.WARN,
    SourceState.UNREAD: Tone.BAD,
    SourceState.OMITTED: Tone.MUTED,
}


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    blocks: list[Block] = [
        Heading(words("scale.sources")),
        _sources(report, words),
        *_unreadable(report, words),
        Heading(words("scale.grades")),
        Paragraph(words("scale.intro")),
        _grades(words),
        _costs(words),
    ]
    return Section("scale", words("scale.title"), blocks)


def _sources(report: FleetReport, words: Words) -> Table:
    rows = [
        [
            Cell(words(f"source.{each.name.value}")),
            Cell(words(f"state.{each.state.value}"), TONES[each.state]),
            Cell(each.reason or "-", language="en" if each.reason else ""),
        ]
        for each in report.sources
    ]
    columns = [
        Column(words("scale.source")), Column(words("scale.state")),
        Column(words("reason"), is_wide=True),
    ]  # fmt: skip
    return Table(words("scale.sources-caption"), columns, rows)


def _unreadable(report: FleetReport, words: Words) -> list[Block]:
    found: dict[tuple[str, str, str], list[str]] = {}
    # Conditions say why a cluster's API did not answer.
    silent = {each.name for each in report.status.clusters if not each.reachable}
    for source in report.sources:
        for each in source.unreadable:
            if source.name in OF_CLUSTERS and each.cluster in silent:
                continue
            key = each.cluster, each.node, each.reason
            found.setdefault(key, []).append(words(f"source.{source.name.value}"))
    if not found:
        return []
    rows = [
        [
            Cell(cluster),
            Cell(node or "-"),
            Cell(words.names(list(dict.fromkeys(names)))),
            Cell(reason.splitlines()[0] if reason else "-", language="en"),
        ]
        for (cluster, node, reason), names in found.items()
    ]
    columns = [
        Column(words("cluster")), Column(words("machine")), Column(words("scale.missing")),
        Column(words("reason"), is_wide=True),
    ]  # fmt: skip
    table = Table(words("scale.unreadable-caption"), columns, rows)
    return limited(table, OPEN, words.count("more", len(rows) - OPEN))


def _grades(words: Words) -> Table:
    rows = []
    for (letter, least), most in zip(GRADES, _upper(), strict=True):
        points = words("scale.from-to", least=least, most=most)
        rows.append(
            [
                Cell(letter, is_grade=True),
                Cell(points),
                Cell(words(f"scale.means.{letter.lower()}")),
            ]
        )
    columns = [
        Column(words("grade")), Column(words("graded.points")),
        Column(words("scale.meaning"), is_wide=True),
    ]  # fmt: skip
    return Table(words("scale.grades-caption"), columns, rows)


def _upper() -> list[int]:
    return [FULL, *(least - 1 for (_, least), _ in pairwise(GRADES))]


def _costs(words: Words) -> Table:
    rows = [
        [
            Cell(words(f"cost.{cost.code}.name")),
            Cell(f"\N{MINUS SIGN}{cost.points}"),
            Cell(f"\N{MINUS SIGN}{cost.most}"),
        ]
        for cost in COSTS
    ]
    columns = [
        Column(words("scale.finding"), is_wide=True), Column(words("scale.each"), is_number=True),
        Column(words("scale.most"), is_number=True),
    ]  # fmt: skip
    return Table(words("scale.costs-caption"), columns, rows)
