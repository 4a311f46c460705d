"""What has changed since the last report."""

from model.fleet_report.changes import Change
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

OPEN = 20
# What is better or worse by itself comes first.
_ORDER = {False: 0, True: 1, None: 2}


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("changed.title")
    if report.since is None:
        return Section("changes", title, [Paragraph(words("changed.first"), Tone.MUTED)])
    intro = words("changed.since", time=words.time(report.since))
    blocks: list[Block] = [Paragraph(intro)]
    found = sorted(report.changes, key=lambda each: _ORDER[each.is_better])
    if not found:
        blocks = [Paragraph(f"{intro} {words('changed.nothing')}")]
    else:
        columns = [
            Column(words("cluster")), Column(words("changed.direction")),
            Column(words("changed.what")), Column(words("changed.change"), is_wide=True),
        ]  # fmt: skip
        rows = [_row(each, words) for each in found]
        table = Table(words("changed.caption"), columns, rows)
        blocks += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    return Section("changes", title, blocks, str(len(found) or ""))


def _row(change: Change, words: Words) -> list[Cell]:
    direction, tone = {
        True: ("changed.better", Tone.GOOD),
        False: ("changed.worse", Tone.BAD),
        None: ("changed.other", Tone.MUTED),
    }[change.is_better]
    return [
        Cell(change.cluster),
        Cell(words(direction), tone),
        Cell(words(f"changed.kind.{change.kind}")),
        Cell(_text(change, words)),
    ]


def _text(change: Change, words: Words) -> str:
    if change.before and change.after:
        return words("changed.from-to", before=change.before, after=change.after)
    if change.after:
        return words("changed.began", what=change.after)
    return words("changed.ended", what=change.before)
