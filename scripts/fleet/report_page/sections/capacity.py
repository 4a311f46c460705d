"""What is requested and used, and whether pods find room if Nodes are lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.capacity.report import Figures
from model.fleet_report.document import FleetReport
from model.fleet_report.room import NODE, ZONE, ClusterRoom, FleetRoom
from model.natural_order import natural
from scripts.fleet.report_page import bars, charts
from scripts.fleet.report_page.bars import Bar
from scripts.fleet.report_page.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Heading,
    Paragraph,
    Section,
    Table,
    Tone,
    limited,
)
from scripts.fleet.report_page.words import Words

OPEN = 12
CORE, GIB = 1000, 1 << 30
# With more clusters than this, they are also counted by what is requested.
FEW = 8
TENTHS = 10


@dataclass(frozen=True)
class _Amount:
    """Amounts of one resource of some Nodes; `used` is None if it is not known."""

    name: str
    unit: float
    allocatable: int
    requested: int
    used: int | None

    @property
    def share(self) -> float:
        return self.requested / self.allocatable if self.allocatable else 0.0


def amounts(figures: Figures) -> list[_Amount]:
    """Return CPU, memory and pods of some Nodes."""
    whole, asked, used = figures.allocatable, figures.requests, figures.used
    return [
        _Amount("cpu", CORE, whole.cpu_millicores, asked.cpu_millicores,
                used.cpu_millicores if used else None),
        _Amount("memory", GIB, whole.memory_bytes, asked.memory_bytes,
                used.memory_bytes if used else None),
        _Amount("pods", 1, whole.pods, asked.pods, None),
    ]  # fmt: skip


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("capacity.title")
    found = report.capacity
    if found is None or not found.clusters:
        return Section("capacity", title, [Paragraph(words("capacity.unknown"), Tone.MUTED)])
    blocks: list[Block] = [Paragraph(words("capacity.intro"))]
    blocks += [Heading(words("capacity.fleet")), _fleet(found, words)]
    if len(found.clusters) > FEW:
        blocks += [Heading(words("capacity.histogram")), _histogram(found, words)]
    rows = [_row(each, words) for each in _fullest_first(found)]
    columns = [
        Column(words("cluster")), Column(words("overview.nodes"), is_number=True),
        Column(words("capacity.cpu")), Column(words("capacity.memory")),
        Column(words("capacity.without-node"), is_flexible=True),
        Column(words("capacity.without-zone"), is_flexible=True),
        Column(words("capacity.no-requests"), is_number=True),
    ]  # fmt: skip
    table = Table(words("capacity.caption"), columns, rows)
    blocks += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    waiting = [f"{each.cluster} ({each.pending_pods:,})"
               for each in found.clusters if each.pending_pods]  # fmt: skip
    if waiting:
        text = words("capacity.pending", clusters=words.names(waiting))
        blocks.append(Paragraph(text, Tone.WARN))
    blocks += _pools(found, words)
    tight = sum(bool(each.lost(NODE) or each.lost(ZONE)) for each in found.clusters)
    return Section("capacity", title, blocks, str(tight or ""))


def percent(share: float) -> str:
    """Return a share as text."""
    return f"{100 * share:.0f} %"


def _fullest_first(found: FleetRoom) -> list[ClusterRoom]:
    def order(each: ClusterRoom) -> tuple[bool, float, object]:
        cpu, memory, _ = amounts(each.figures)
        return not each.lost(NODE), -max(cpu.share, memory.share), natural(each.cluster)

    return sorted(found.clusters, key=order)


def _fleet(found: FleetRoom, words: Words) -> Chart:
    rows, drawn = [], []
    for each in amounts(found.figures):
        name = words(f"capacity.{each.name}")
        cells = [each.allocatable, each.requested, each.used]
        texts = ["-" if value is None else f"{value / each.unit:,.0f}" for value in cells]
        used = None if each.used is None else each.used / max(1, each.allocatable)
        rows.append([Cell(name), *map(Cell, texts), Cell(percent(each.share))])
        drawn.append(Bar(name, each.share, used, percent(each.share)))
    columns = [
        Column(words("capacity.resource")), Column(words("capacity.allocatable"), is_number=True),
        Column(words("capacity.requested"), is_number=True),
        Column(words("capacity.used"), is_number=True),
        Column(words("versions.share"), is_number=True),
    ]  # fmt: skip
    title = words("capacity.fleet")
    drawing = bars.levels(drawn, title, words("capacity.fleet-told"), words("capacity.legend"))
    return Chart(drawing, Table(title, columns, rows), words("chart.table"))


def _histogram(found: FleetRoom, words: Words) -> Chart:
    """Return how many clusters have how much of their CPU and memory requested."""
    counts = {name: [0] * (TENTHS + 1) for name in ("cpu", "memory")}  # the last one: more than all
    for cluster in found.clusters:
        for each in amounts(cluster.figures)[:2]:
            counts[each.name][min(int(each.share * TENTHS), TENTHS)] += 1
    names = [f"{10 * index}-{10 * (index + 1)} %" for index in range(TENTHS)]
    names.append(words("capacity.over"))
    rows = [
        [Cell(name), Cell(f"{counts['cpu'][index]:,}"), Cell(f"{counts['memory'][index]:,}")]
        for index, name in enumerate(names)
    ]
    columns = [
        Column(words("capacity.requested")), Column(words("capacity.cpu"), is_number=True),
        Column(words("capacity.memory"), is_number=True),
    ]  # fmt: skip
    title = words("capacity.histogram")
    series = [(words(f"capacity.{name}"), values) for name, values in counts.items()]
    drawing = bars.columns(names, series, title, words("capacity.histogram-told"))
    return Chart(drawing, Table(title, columns, rows), words("chart.table"))


def _row(each: ClusterRoom, words: Words) -> list[Cell]:
    cpu, memory, _ = amounts(each.figures)
    return [
        Cell(each.cluster),
        Cell(f"{each.figures.nodes_taking_pods:,}/{each.figures.nodes:,}"),
        _level(cpu, words),
        _level(memory, words),
        _loss(each, NODE, words),
        _loss(each, ZONE, words),
        Cell(f"{each.workloads.none:,}/{each.workloads.total:,}"),
    ]


def _level(each: _Amount, words: Words) -> Cell:
    text = percent(each.share)
    if each.used is not None and each.allocatable:
        text = words(
            "capacity.and-used", requested=text, used=percent(each.used / each.allocatable)
        )
    part = min(each.requested, each.allocatable)
    bar = charts.small_bar([("used", part), ("rest", each.allocatable - part)])
    return Cell(text, bar=bar if each.allocatable else None)


def _loss(each: ClusterRoom, kind: str, words: Words) -> Cell:
    losses = [loss for loss in each.losses if loss.kind == kind]
    if not losses:
        return Cell("-")
    failing = [loss for loss in losses if not loss.fits]
    if not failing:
        return Cell(words("capacity.fits"), Tone.GOOD)
    names = words.names([loss.name for loss in failing], 1)
    worst = max(failing, key=lambda loss: loss.unplaced_pods)
    why = words("list.comma").join(worst.lacking) or words.count(
        "capacity.unplaced", worst.unplaced_pods
    )
    return Cell(words("capacity.fits-not", name=names, why=why), Tone.WARN)


def _pools(found: FleetRoom, words: Words) -> Iterator[Block]:
    rows: list[Sequence[Cell]] = [
        [
            Cell(cluster.cluster),
            Cell(pool.name or "-"),
            Cell(f"{pool.nodes:,}"),
            Cell(words("capacity.more-nodes") if pool.enough is None else f"{pool.enough:,}",
                 Tone.WARN if pool.enough is None else Tone.PLAIN),
            Cell(words("list.comma").join(pool.limited_by) or "-", language="en"),
        ]
        for cluster in found.clusters
        for pool in cluster.pools
    ]  # fmt: skip
    if rows:
        columns = [
            Column(words("cluster")), Column(words("capacity.pool")),
            Column(words("overview.nodes"), is_number=True),
            Column(words("capacity.enough"), is_number=True),
            Column(words("capacity.limited"), is_wide=True),
        ]  # fmt: skip
        reserve = f"{found.reserve_percent:g} %"
        table = Table(words("capacity.pools", reserve=reserve), columns, rows)
        yield from limited(table, OPEN, words.count("more", len(rows) - OPEN))
