"""What the audit logs say, counted by user."""

from model.fleet_report.document import FleetReport
from model.fleet_report.highlights import QUESTIONS, AuditHighlight
from scripts.fleet.report_page.blocks import (
    Block,
    Cell,
    Column,
    Details,
    Paragraph,
    Section,
    Table,
    Tone,
)
from scripts.fleet.report_page.words import Words

OPEN = 5


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("audit.title")
    found = report.audit
    if found is None:
        return Section("audit", title, [Paragraph(words("audit.unknown"), Tone.MUTED)])
    blocks: list[Block] = [Paragraph(words("audit.since", time=words.time(found.since)))]
    if found.is_truncated:
        blocks.append(Paragraph(words("audit.truncated"), Tone.WARN))
    for question in QUESTIONS:
        own = [each for each in found.highlights if each.question == question]
        total = sum(each.requests for each in found.totals if each.question == question)
        if not own:
            blocks.append(Paragraph(words(f"audit.{question}.none")))
            continue
        caption = words.count(f"audit.{question}.caption", total)
        blocks.append(_table(caption, own[:OPEN], words))
        if rest := own[OPEN:]:
            more = words.count("audit.more", len(rest))
            table = _table(f"{caption}: {more}", rest, words)
            blocks.append(Details(f"{caption}: {more}", [table]))
    return Section("audit", title, blocks)


def _table(caption: str, found: list[AuditHighlight], words: Words) -> Table:
    columns = [
        Column(words("cluster")), Column(words("audit.user")),
        Column(words("audit.requests"), is_number=True), Column(words("audit.last")),
        Column(words("audit.example"), is_wide=True),
    ]  # fmt: skip
    rows = [
        [
            Cell(each.cluster),
            Cell(each.user or words("audit.anonymous"), is_code=bool(each.user)),
            Cell(f"{each.requests:,}"),
            Cell(words.time(each.last)),
            Cell(each.example, is_code=True),
        ]
        for each in found
    ]
    return Table(caption, columns, rows)
