"""The first section: the numbers that a person looks at first."""

from collections import Counter
from collections.abc import Iterator

from model.consistency.report import State
from model.fleet_report.document import FleetReport
from model.fleet_report.grade import GRADES
from model.fleet_report.room import NODE
from model.status.condition import Severity
from scripts.fleet.report_page import charts
from scripts.fleet.report_page.blocks import (
    Cell,
    Chart,
    Column,
    Figure,
    Figures,
    Section,
    Table,
    Tone,
)
from scripts.fleet.report_page.sections.capacity import amounts, percent
from scripts.fleet.report_page.words import Words


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    return Section(
        "overview",
        words("overview.title"),
        [Figures(list(_figures(report, words))), _grades(report, words)],
    )


def _figures(report: FleetReport, words: Words) -> Iterator[Figure]:
    clusters = report.status.clusters
    silent = sum(not each.reachable for each in clusters)
    yield Figure(
        words("overview.clusters"),
        f"{len(clusters):,}",
        words.count("overview.silent", silent) if silent else words("overview.all-answered"),
        Tone.BAD if silent else Tone.PLAIN,
    )
    counts = [each.nodes_ready for each in clusters if each.nodes_ready]
    ready, total = sum(each.ready for each in counts), sum(each.total for each in counts)
    yield Figure(
        words("overview.nodes"),
        f"{total:,}",
        words("overview.all-ready")
        if ready == total
        else words.count("overview.not-ready", total - ready),
        Tone.PLAIN if ready == total else Tone.BAD,
    )
    severities = Counter(each.severity for each in report.status.all_conditions)
    errors, warnings = severities[Severity.ERROR], severities[Severity.WARNING]
    yield Figure(
        words("overview.problems"),
        f"{errors + warnings:,}",
        words("overview.by-severity", errors=errors, warnings=warnings),
        Tone.BAD if errors else Tone.WARN if warnings else Tone.PLAIN,
    )
    yield from _differences(report, words)
    yield from _dates(report, words)
    yield from _capacity(report, words)


def _differences(report: FleetReport, words: Words) -> Iterator[Figure]:
    found = report.differences
    if found is None:
        return
    states = {each.state for item in found.items for each in item.values}
    bad = sum(any(each.state is State.NOT_DECLARED for each in item.values) for item in found.items)
    if bad:
        note = words.count("overview.not-declared", bad)
    else:
        note = words("overview.all-alike" if not states else "overview.as-declared")
    tone = Tone.BAD if bad else Tone.WARN if State.ODD in states else Tone.PLAIN
    yield Figure(words("overview.differences"), f"{len(found.items):,}", note, tone)


def _capacity(report: FleetReport, words: Words) -> Iterator[Figure]:
    found = report.capacity
    if found is None or not found.clusters:
        return
    cpu, memory, _ = amounts(found.figures)
    yield Figure(
        words("overview.requested"),
        percent(cpu.share),
        words("overview.memory", memory=percent(memory.share)),
    )
    tight = sum(bool(each.lost(NODE)) for each in found.clusters)
    yield Figure(
        words("overview.without-node"),
        f"{len(found.clusters) - tight:,}/{len(found.clusters):,}",
        words("overview.all-fit") if not tight else words.count("overview.no-room", tight),
        Tone.WARN if tight else Tone.PLAIN,
    )


def _dates(report: FleetReport, words: Words) -> Iterator[Figure]:
    dates = report.certificates.dates if report.certificates else ()
    first = next((each for each in dates if each.kind != "kubeconfig"), None)
    if first:
        left = (first.expires - report.time).total_seconds()
        duration = words.duration(left)
        note = words("overview.expires" if left >= 0 else "overview.expired", cluster=first.cluster)
        tone = Tone.PLAIN if first.status == "valid" else Tone.BAD
        value = duration if left >= 0 else words("overview.ago", duration=duration)
        yield Figure(words("overview.first-certificate"), value, note, tone)
    if report.backups and report.backups.clusters:
        oldest = report.backups.clusters[0]
        overdue = {each.cluster for each in report.backups.overdue}
        age = words("none")
        if oldest.taken:
            age = words.duration((report.time - oldest.taken).total_seconds())
        note = words.count("overview.overdue", len(overdue)) if overdue else oldest.cluster
        yield Figure(
            words("overview.oldest-backup"), age, note, Tone.BAD if overdue else Tone.PLAIN
        )


def _grades(report: FleetReport, words: Words) -> Chart:
    counts = Counter(each.grade for each in report.grades)
    letters = [letter for letter, _ in GRADES]
    rows = [
        [Cell(letter, is_grade=True), Cell(str(counts[letter]))]
        for letter in letters
        if counts[letter]
    ]
    told = words("list.comma").join(
        words.count("overview.with-grade", counts[letter], grade=letter)
        for letter in letters
        if counts[letter]
    )
    table = Table(
        words("overview.grades"),
        [Column(words("grade")), Column(words("overview.clusters"), is_number=True)],
        rows,
    )
    drawing = charts.distribution(
        [(letter, counts[letter]) for letter in letters], words("overview.grades"), told
    )
    return Chart(drawing, table, words("chart.table"))
