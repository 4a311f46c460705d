"""When certificates expire: a time line, and what comes first."""

from collections.abc import Iterator
from datetime import timedelta

from model.fleet_report.document import FleetReport
from model.fleet_report.reduced import CertificateDate, CertificateDates
from model.pki.ledger import Status, Token
from scripts.fleet.report_page import charts, timeline
from scripts.fleet.report_page.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Paragraph,
    Section,
    Table,
    Tone,
    limited,
)
from scripts.fleet.report_page.words import Words

OPEN = 12
KINDS = ("leaf", "authority", "kubeconfig")
TONES = {Status.VALID: Tone.PLAIN, Status.EXPIRING: Tone.WARN, Status.EXPIRED: Tone.BAD}
# The rows of the table that says what the time line shows: days from now on.
PERIODS = (7, 30, 90, 365)


def section(report: FleetReport, words: Words) -> Section | None:
    """Return the section."""
    found = report.certificates
    title = words("certificates.title")
    if found is None or not (found.dates or found.tokens):
        return Section(
            "certificates", title, [Paragraph(words("certificates.unknown"), Tone.MUTED)]
        )
    source = "certificates.from-machines" if found.from_machines else "certificates.from-api"
    blocks: list[Block] = [Paragraph(words(source)), _time_line(report, found, words)]
    blocks += _problems(found, words)
    rows = [_row(report, each, words) for each in _first(found)]
    columns = [
        Column(words("cluster")), Column(words("certificates.name")),
        Column(words("certificates.kind")), Column(words("certificates.count"), is_number=True),
        Column(words("certificates.expires")), Column(words("certificates.left"), is_number=True),
        Column(words("certificates.status")),
    ]  # fmt: skip
    table = Table(words("certificates.caption"), columns, rows)
    blocks += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    blocks += _tokens(report, found, words)
    bad = sum(each.status is not Status.VALID for each in found.dates if each.kind != "kubeconfig")
    bad += sum(each.status is not Status.VALID for each in found.tokens)
    bad += len(found.missing) + len(found.failures)
    return Section("certificates", title, blocks, str(bad or ""), Tone.BAD)


def _first(found: CertificateDates) -> list[CertificateDate]:
    """Return what needs attention, and the first certificate of each cluster."""
    seen: set[str] = set()
    rows = []
    for each in found.dates:
        if each.kind == "kubeconfig":
            continue
        if each.status is not Status.VALID or each.cluster not in seen:
            rows.append(each)
        seen.add(each.cluster)
    return rows


def _row(report: FleetReport, each: CertificateDate, words: Words) -> list[Cell]:
    return [
        Cell(each.cluster),
        Cell(each.name, is_code=True),
        Cell(words(f"certificates.kinds.{each.kind}")),
        Cell(f"{each.count:,}"),
        *_ends(report, each, words),
    ]


def _ends(report: FleetReport, each: CertificateDate | Token, words: Words) -> Iterator[Cell]:
    """Yield when something expires, how long that is, and what it means."""
    expires = each.not_after if isinstance(each, Token) else each.expires
    left = (expires - report.time).total_seconds()
    duration = words.duration(left)
    yield Cell(words.time(expires))
    yield Cell(duration if left >= 0 else words("overview.ago", duration=duration))
    yield Cell(words(f"certificates.statuses.{each.status.value}"), TONES[each.status])


def _tokens(report: FleetReport, found: CertificateDates, words: Words) -> list[Block]:
    """Return the tokens of tools that clusters are registered in."""
    if not found.tokens:
        return []
    columns = [
        Column(words("cluster")), Column(words("certificates.tool")),
        Column(words("certificates.secret")), Column(words("certificates.expires")),
        Column(words("certificates.left"), is_number=True), Column(words("certificates.status")),
    ]  # fmt: skip
    rows = [
        [
            Cell(each.cluster),
            Cell(each.tool),
            Cell(each.secret, is_code=True),
            *_ends(report, each, words),
        ]
        for each in found.tokens
    ]
    table = Table(words("certificates.tokens"), columns, rows)
    return limited(table, OPEN, words.count("more", len(rows) - OPEN))


def _problems(found: CertificateDates, words: Words) -> Iterator[Block]:
    if found.missing:
        columns = [
            Column(words("cluster")), Column(words("machine")), Column(words("certificates.name")),
            Column(words("certificates.file"), is_wide=True),
        ]  # fmt: skip
        yield from limited(
            Table(
                words("certificates.missing"),
                columns,
                [
                    [
                        Cell(each.cluster),
                        Cell(each.node),
                        Cell(each.name),
                        Cell(each.path, is_code=True),
                    ]
                    for each in found.missing
                ],
            ),
            OPEN,
            words.count("more", len(found.missing) - OPEN),
        )
    if found.failures:
        columns = [
            Column(words("cluster")), Column(words("machine")), Column(words("certificates.name")),
            Column(words("reason"), is_wide=True),
        ]  # fmt: skip
        yield from limited(
            Table(
                words("certificates.failures"),
                columns,
                [
                    [
                        Cell(each.cluster),
                        Cell(each.node),
                        Cell(each.subject),
                        Cell(each.reason, language="en"),
                    ]
                    for each in found.failures
                ],
            ),
            OPEN,
            words.count("more", len(found.failures) - OPEN),
        )


def _time_line(report: FleetReport, found: CertificateDates, words: Words) -> Chart:
    kinds = [kind for kind in KINDS if any(each.kind == kind for each in found.dates)]
    lanes = [
        timeline.Lane(
            words(f"certificates.kinds.{kind}"),
            [
                timeline.Event(each.expires, each.count, _shape(each))
                for each in found.dates
                if each.kind == kind
            ],
        )
        for kind in kinds
    ]
    drawing = timeline.draw(report.time, lanes, words)
    columns = [Column(words("certificates.period"))]
    columns += [Column(words(f"certificates.kinds.{kind}"), is_number=True) for kind in kinds]
    rows = []
    begin = None
    for days in (0, *PERIODS, None):
        end = None if days is None else report.time + timedelta(days=days)
        counts = [
            sum(
                each.count
                for each in found.dates
                if each.kind == kind
                and (begin is None or each.expires > begin)
                and (end is None or each.expires <= end)
            )
            for kind in kinds
        ]
        if days is None:
            name = words("certificates.later", days=PERIODS[-1])
        else:
            name = words("certificates.within", days=days) if days else words("certificates.before")
        rows.append([Cell(name), *(Cell(f"{count:,}") for count in counts)])
        begin = end
    table = Table(words("certificates.by-date"), columns, rows)
    return Chart(drawing, table, words("chart.table"))


def _shape(each: CertificateDate) -> str:
    """Return the class of a mark; a kubeconfig is meant to end."""
    return charts.VALID if each.kind == "kubeconfig" else each.status.value
