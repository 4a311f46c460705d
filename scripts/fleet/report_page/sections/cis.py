"""The CIS Kubernetes Benchmark, counted."""

from model.cis.report import Summary
from model.fleet_report.document import FleetReport
from scripts.fleet.report_page import charts
from scripts.fleet.report_page.blocks import Cell, Column, Paragraph, Section, Table, Tone, limited
from scripts.fleet.report_page.words import Words

OPEN = 12
_BAR = (("pass", "passed"), ("fail", "failed"), ("manual", "manual"), ("rest", "unknown"))


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("cis.title")
    found = report.cis
    if found is None or not found.clusters:
        return Section("cis", title, [Paragraph(words("cis.unknown"), Tone.MUTED)])
    columns = [
        Column(words("cis.item")), Column(words("cis.wanted"), is_wide=True),
        Column(words("cis.machines"), is_number=True), Column(words("overview.clusters")),
        Column(words("cis.remedy"), is_wide=True),
    ]  # fmt: skip
    rows = [
        [
            Cell(each.item, is_code=True),
            Cell(each.title, language="en"),
            Cell(f"{each.nodes:,}" if each.nodes else "-"),
            Cell(words.names(each.clusters)),
            Cell(each.remedy, language="en"),
        ]
        for each in found.failed
    ]
    failed = Table(words("cis.failed-caption"), columns, rows)
    summary = Table(
        words("cis.caption"),
        [
            Column(words("cluster")),
            Column(words("cis.passed"), is_number=True),
            Column(words("cis.failed"), is_number=True),
            Column(words("cis.manual"), is_number=True),
            Column(words("cis.unread"), is_number=True),
            Column(words("cis.share")),
        ],
        [_row(each) for each in sorted(found.clusters, key=lambda each: -each.failed)],
    )
    return Section(
        "cis",
        title,
        [
            Paragraph(words("cis.intro", version=found.benchmark)),
            *limited(summary, OPEN, words.count("more", len(summary.rows) - OPEN)),
            *(
                limited(failed, OPEN, words.count("more", len(rows) - OPEN))
                if rows
                else [Paragraph(words("cis.none-failed"), Tone.GOOD)]
            ),
        ],
        str(len(found.failed) or ""),
    )


def _row(each: Summary) -> list[Cell]:
    parts = [(name, int(getattr(each, field))) for name, field in _BAR]
    judged = each.passed + each.failed
    share = f"{100 * each.passed / judged:.0f} %" if judged else "-"
    return [
        Cell(each.cluster),
        Cell(f"{each.passed:,}"),
        Cell(f"{each.failed:,}", Tone.BAD if each.failed else Tone.PLAIN),
        Cell(f"{each.manual:,}"),
        Cell(f"{each.unknown:,}"),
        Cell(share, bar=charts.small_bar(parts)),
    ]
