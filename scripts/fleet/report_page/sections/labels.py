"""The clusters by their labels: where the good ones are, and where the bad ones."""

from collections import Counter

from model.fleet_report.document import FleetReport
from model.fleet_report.grade import GRADES
from model.natural_order import natural
from scripts.fleet.report_page import charts
from scripts.fleet.report_page.blocks import Cell, Column, Paragraph, Section, Table, Tone
from scripts.fleet.report_page.words import Words

# A label with more values than this names single clusters.
MOST_VALUES = 20


def section(report: FleetReport, words: Words) -> Section | None:
    """Return the section; None without labels."""
    clusters = report.status.clusters
    keys = sorted({key for each in clusters for key in each.labels})
    if not keys:
        return None
    grades = {each.cluster: each for each in report.grades}
    rows: list[list[Cell]] = []
    skipped = []
    for key in keys:
        groups: dict[str, list[str]] = {}
        for each in clusters:
            if key in each.labels:
                groups.setdefault(each.labels[key], []).append(each.name)
        if len(groups) > MOST_VALUES:
            skipped.append(key)
            continue
        for value, names in sorted(groups.items(), key=lambda pair: natural(pair[0])):
            counts = Counter(grades[name].grade for name in names)
            told = [(letter, counts[letter]) for letter, _ in GRADES if counts[letter]]
            nodes = sum(each.nodes_ready.total for each in clusters
                        if each.name in names and each.nodes_ready)  # fmt: skip
            rows.append(
                [
                    Cell(f"{key}={value}", is_code=True),
                    Cell(f"{len(names):,}"),
                    Cell(f"{nodes:,}"),
                    Cell(
                        words("list.comma").join(f"{count} {letter}" for letter, count in told),
                        bar=charts.small_bar([(f"grade-{x.lower()}", count) for x, count in told]),
                    ),
                    Cell(words.names(sorted(names, key=natural))),
                ]
            )
    columns = [
        Column(words("labels.label")), Column(words("overview.clusters"), is_number=True),
        Column(words("overview.nodes"), is_number=True), Column(words("labels.grades")),
        Column(words("labels.names"), is_wide=True),
    ]  # fmt: skip
    notes = [Paragraph(words("labels.skipped", names=words.names(skipped)), Tone.MUTED)]
    table = [Table(words("labels.caption"), columns, rows)] if rows else []
    return Section("labels", words("labels.title"), [*table, *(notes if skipped else [])])
