"""The newest snapshot of each cluster's etcd."""

from model.fleet_report.document import FleetReport
from model.fleet_report.reduced import SavedCluster
from scripts.fleet.report_page.blocks import Cell, Column, Paragraph, Section, Table, Tone, limited
from scripts.fleet.report_page.words import MIB, Words

OPEN = 12


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("backups.title")
    found = report.backups
    if found is None or not found.clusters:
        return Section("backups", title, [Paragraph(words("backups.unknown"), Tone.MUTED)])
    overdue = {each.cluster for each in found.overdue}
    corrupt = {each.cluster for each in found.corrupt}
    columns = [
        Column(words("cluster")), Column(words("backups.state")), Column(words("backups.taken")),
        Column(words("backups.age"), is_number=True), Column(words("backups.size"), is_number=True),
        Column(words("backups.count"), is_number=True), Column(words("backups.node")),
    ]  # fmt: skip

    def order(each: SavedCluster) -> int:
        return each.cluster not in overdue | corrupt

    rows = []
    for each in sorted(found.clusters, key=order):
        state, tone = "backups.recent", Tone.GOOD
        if each.cluster in overdue:
            state, tone = "backups.overdue", Tone.BAD
        elif each.cluster in corrupt:
            state, tone = "backups.corrupt", Tone.BAD
        elif each.taken is None:
            state, tone = "backups.new", Tone.MUTED
        age = words.duration((report.time - each.taken).total_seconds()) if each.taken else "-"
        rows.append(
            [
                Cell(each.cluster),
                Cell(words(state), tone),
                Cell(words.time(each.taken) if each.taken else words("none")),
                Cell(age),
                Cell(f"{each.size_bytes / MIB:,.1f} MiB" if each.taken else "-"),
                Cell(f"{each.snapshots:,}"),
                Cell(each.node or "-"),
            ]
        )
    table = Table(words("backups.caption"), columns, rows)
    return Section(
        "backups",
        title,
        [
            Paragraph(words("backups.intro")),
            *limited(table, OPEN, words.count("more", len(rows) - OPEN)),
        ],
        str(len(overdue | corrupt) or ""),
        Tone.BAD,
    )
