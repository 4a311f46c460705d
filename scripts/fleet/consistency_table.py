"""A matrix of items and clusters as text: what differs is marked by signs, and by colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from model.consistency.report import Cell, Consistency, Difference, NotRead, Row, State
from model.plural import counted
from scripts.fleet.status_table import one_line, table

SIGNS = {State.NOT_DECLARED: "!", State.ODD: "*", State.SPLIT: "~", State.UNKNOWN: "?"}
COLOURS = {State.NOT_DECLARED: "red", State.ODD: "red", State.SPLIT: "yellow"}
LEGEND = (
    "! not as declared   * most others differ   ~ others differ, most agree on none   ? not read"
)
NO_VALUE, NOTHING = "(none)", "-"
# Of Nodes or clusters that are alike, so many are named; of a value, so many letters are shown.
NAMED, LETTERS = 2, 48


@dataclass(frozen=True)
class _Shown:
    text: str
    colour: str | None = None


def text(found: Consistency, *, wide: bool, headers: bool) -> Iterator[str]:
    """Yield the lines."""
    if found.rows:
        groups = _groups(found, wide=wide)
        heads = ["AREA", "ITEM", "AGREE", *(_named(names) for _, names in groups)]
        lines = [
            [
                *(_Shown(row.area), _Shown(row.item), _Shown(_agreement(row))),
                *(_cell(row.cells[index], wide=wide) for index, _ in groups),
            ]
            for row in found.rows
        ]
        yield from _table(heads if headers else [], lines)
        yield ""
        yield LEGEND
    if fields := list(_fields(found)):
        yield ""
        yield from table(["CLUSTER", "AREA", "ITEM", "NOT AS DECLARED"] if headers else [], fields)
    yield from _unread(found.not_read, headers=headers)
    yield from ("", *_summary(found)) if found.rows or found.not_read else _summary(found)


def difference(found: Difference, *, headers: bool) -> Iterator[str]:
    """Yield the lines of two clusters' differences."""
    if found.fields:
        rows = [
            [each.area, each.item, each.path or NOTHING, _plain(each.a), _plain(each.b)]
            for each in found.fields
        ]
        yield from table(["AREA", "ITEM", "FIELD", found.a, found.b] if headers else [], rows)
    elif not found.not_read:
        yield f"{found.a} and {found.b} do not differ."
    yield from _unread(found.not_read, headers=headers)


def _plain(value: str | None) -> str:
    return NO_VALUE if value is None else value


def _groups(found: Consistency, *, wide: bool) -> list[tuple[int, list[str]]]:
    """Return columns: the first cluster of each that are alike in all rows, with their names."""
    known: dict[object, tuple[int, list[str]]] = {}
    for index, cluster in enumerate(found.clusters):
        if not cluster.reachable:
            # It is listed with the reason.
            continue
        cells = tuple(_cell(row.cells[index], wide=wide) for row in found.rows)
        known.setdefault(index if wide else cells, (index, []))[1].append(cluster.name)
    return list(known.values())


def _named(names: Sequence[str]) -> str:
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def _agreement(row: Row) -> str:
    return NOTHING if row.most is None else f"{row.agree}/{row.of}"


def _cell(cell: Cell, *, wide: bool) -> _Shown:
    if cell.state in (State.UNKNOWN, State.NONE):
        return _Shown(SIGNS.get(cell.state, NOTHING))
    if not cell.nodes:
        return _Shown(
            _marked(cell.value, cell.state, cell.declared, wide=wide), COLOURS.get(cell.state)
        )
    parts = []
    for each in sorted(cell.nodes, key=lambda each: -len(each.nodes)):
        shown = _marked(each.value, each.state, each.declared, wide=wide)
        is_named = wide or each.state.is_difference
        named = _named(each.nodes) if is_named and not wide else ", ".join(each.nodes)
        parts.append(f"{shown} ({named if is_named else counted(len(each.nodes), 'Node')})")
    worst = next((each.state for each in cell.nodes if each.state.is_difference), cell.state)
    return _Shown("; ".join(parts), COLOURS.get(worst))


def _marked(value: str, state: State, declared: str | None, *, wide: bool) -> str:
    shown = one_line(value) or NO_VALUE
    if not wide and len(shown) > LETTERS:
        shown = f"{shown[: LETTERS - 1]}…"
    if state in SIGNS:
        shown = f"{shown} {SIGNS[state]}"
    if state is State.NOT_DECLARED:
        wanted = NO_VALUE if declared is None else one_line(declared)
        shown = f"{shown} declared: {wanted if wide else wanted[:LETTERS]}"
    return shown


def _table(heads: Sequence[str], rows: Sequence[Sequence[_Shown]]) -> Iterator[str]:
    """Yield lines as `status_table.table` does, of cells that have colours."""
    every = [*([[_Shown(head) for head in heads]] if heads else []), *rows]
    widths = [max(len(cell.text) for cell in column) for column in zip(*every, strict=True)]
    for row in every:
        cells = []
        for cell, width in zip(row, widths, strict=True):
            shown = one_line(cell.text)
            styled = click.style(shown, fg=cell.colour) if cell.colour else shown
            cells.append(styled + " " * (width - len(shown)))
        yield "  ".join(cells).rstrip()


def _fields(found: Consistency) -> Iterator[list[str]]:
    for row in found.rows:
        for cell in row.cells:
            if cell.fields:
                yield [cell.cluster, row.area, row.item, ", ".join(cell.fields)]


def _unread(entries: Sequence[NotRead], *, headers: bool) -> Iterator[str]:
    if entries:
        rows = [
            [each.cluster, each.area or "everything", _named(each.nodes) or NOTHING, each.reason]
            for each in entries
        ]
        yield ""
        yield from table(["CLUSTER", "NOT READ", "NODES", "REASON"] if headers else [], rows)


def _summary(found: Consistency) -> Iterator[str]:
    read = [cluster for cluster in found.clusters if cluster.reachable]
    items = counted(found.compared, "item")
    different = [row for row in found.rows if row.is_difference]
    result = f"{len(different)} differ" if different else "no differences"
    yield f"{items} of {counted(len(read), 'cluster')} compared: {result}."
    if found.reason:
        yield f"Nothing was compared with {found.reason}"
