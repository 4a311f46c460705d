"""In what clusters differ from their config and from each other: only what differs, grouped."""

from itertools import groupby

from model.consistency.report import State
from model.fleet_report.differences import DifferentItem, DifferentValue
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

# Rows that are open, and rows on the page: `fleet consistency` has all of them.
OPEN, MOST = 15, 250
# So much of a value, and so many fields of an object, are shown.
LETTERS, FIELDS = 80, 3
TONES = {State.NOT_DECLARED: Tone.BAD, State.ODD: Tone.WARN, State.SPLIT: Tone.MUTED}
_WORST_FIRST = (State.NOT_DECLARED, State.ODD, State.SPLIT)


def section(report: FleetReport, words: Words) -> Section:
    """Return the section."""
    title = words("consistency.title")
    found = report.differences
    if found is None:
        return Section("consistency", title, [Paragraph(words("consistency.unknown"), Tone.MUTED)])
    read = words("consistency.read", items=f"{found.compared:,}", clusters=f"{found.clusters:,}")
    how = words("consistency.with-config" if found.is_declared else "consistency.without-config")
    blocks: list[Block] = [Paragraph(f"{read} {how}")]
    if not found.items:
        blocks.append(Paragraph(words("consistency.none"), Tone.GOOD))
        return Section("consistency", title, blocks)
    blocks.append(_areas(found.items, words))
    entries = [(item, value) for item in found.items for value in item.values]
    entries.sort(key=lambda pair: _WORST_FIRST.index(pair[1].state))
    rows = [_row(item, value, words) for item, value in entries[:MOST]]
    columns = [
        Column(words("consistency.item"), is_flexible=True), Column(words("consistency.state")),
        Column(words("consistency.who"), is_flexible=True),
        Column(words("consistency.value"), is_flexible=True),
        Column(words("consistency.wanted"), is_flexible=True),
        Column(words("consistency.agree"), is_number=True),
    ]  # fmt: skip
    table = Table(words("consistency.caption"), columns, rows)
    blocks += limited(table, OPEN, words.count("more", len(rows) - OPEN))
    if (rest := len(entries) - MOST) > 0:
        blocks.append(Paragraph(words.count("consistency.rest", rest), Tone.MUTED))
    states = {value.state for _, value in entries}
    tone = Tone.BAD if State.NOT_DECLARED in states else Tone.PLAIN
    return Section("consistency", title, blocks, f"{len(found.items):,}", tone)


def _areas(items: tuple[DifferentItem, ...], words: Words) -> Table:
    """Return how many items differ of each area, and in how many clusters."""
    rows = []
    for area, group in groupby(items, lambda each: each.area):
        alike = list(group)
        counts = [
            sum(any(value.state is state for value in item.values) for item in alike)
            for state in _WORST_FIRST
        ]
        names = {name for item in alike for value in item.values for name in value.clusters}
        rows.append(
            [
                Cell(area, is_code=True),
                *(
                    Cell(f"{count:,}", TONES[state] if count else Tone.PLAIN)
                    for state, count in zip(_WORST_FIRST, counts, strict=True)
                ),
                Cell(f"{len(names):,}"),
            ]
        )
    columns = [
        Column(words("consistency.area")),
        *(Column(words(f"consistency.states.{state}"), is_number=True) for state in _WORST_FIRST),
        Column(words("overview.clusters"), is_number=True),
    ]
    return Table(words("consistency.by-area"), columns, rows)


def _row(item: DifferentItem, value: DifferentValue, words: Words) -> list[Cell]:
    wanted = {State.NOT_DECLARED: value.declared, State.ODD: item.most}.get(value.state)
    return [
        Cell(item.title, is_code=True),
        Cell(words(f"consistency.states.{value.state}"), TONES[value.state]),
        Cell(_who(value, words)),
        _value(value.value, words),
        Cell("-") if wanted is None else _value(wanted, words, value.fields),
        Cell(f"{item.agree:,}/{item.of:,}" if value.state is State.ODD else "-"),
    ]


def _value(text: str, words: Words, fields: tuple[str, ...] = ()) -> Cell:
    """Return a value, or which fields of an object are others: its digest says nothing."""
    if fields:
        rest = len(fields) - FIELDS
        named = words("list.comma").join(fields[:FIELDS])
        return Cell(words.count("list.more", rest, names=named) if rest > 0 else named)
    if not text:
        return Cell(words("none"), Tone.MUTED)
    return Cell(text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…", is_code=True)


def _who(value: DifferentValue, words: Words) -> str:
    names = words.names(value.clusters)
    if not value.nodes:
        return names
    return words.count("consistency.on-nodes", value.nodes, clusters=names)
