"""Drawings of shares and of counts: levels of resources, columns of clusters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scripts.fleet.report_page import charts

WIDTH, LABEL, VALUE = 960, 110, 60
ROW, THICK = 34, 14
HEIGHT, TOP, BOTTOM, LEFT = 150, 24, 30, 10
# The columns of one place, and what is between them.
COLUMN, GAP = 26, 4


@dataclass(frozen=True)
class Bar:
    """A share that is filled (1: all of it), and one that is marked, if it is known."""

    name: str
    share: float
    mark: float | None
    text: str


def levels(bars: Sequence[Bar], title: str, told: str, legend: str) -> Markup:
    """Return a row for each bar, filled up to its share, with a mark; `legend` says what it is."""
    content = Markup("").join(_level(bar, ROW * index) for index, bar in enumerate(bars))
    height = ROW * len(bars) + 22
    note = _text(LABEL, height - 4, legend, "note")
    return charts.svg("levels", f"0 0 {WIDTH} {height}", content + note, title, told)


def _level(bar: Bar, top: int) -> Markup:
    room = WIDTH - LABEL - VALUE
    y, middle = top + 6, top + 6 + THICK // 2
    filled = room * min(1.0, bar.share)
    parts = [
        _text(0, middle + 4, bar.name, "lane"),
        _rect("f-rest", LABEL, y, room, THICK),
        _rect("f-used", LABEL, y, filled, THICK),
        _text(WIDTH - VALUE + 8, middle + 4, bar.text, "lane"),
    ]
    if bar.mark is not None:
        x = LABEL + room * min(1.0, bar.mark)
        parts.append(_rect("m-mark", x - 1.5, y - 4, 3, THICK + 8))
    return Markup("").join(parts)


def columns(
    names: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], title: str, told: str
) -> Markup:
    """Return a place for each name, with a column for each of the (two) series."""
    most = max((count for _, counts in series for count in counts), default=0) or 1
    step = (WIDTH - 2 * LEFT) / len(names)
    base = TOP + HEIGHT
    parts = list(_legend([name for name, _ in series]))
    for place, name in enumerate(names):
        left = LEFT + step * place
        for index, (_, counts) in enumerate(series):
            height = HEIGHT * counts[place] / most
            x = left + (step - 2 * COLUMN - GAP) / 2 + index * (COLUMN + GAP)
            if counts[place]:
                parts.append(_rect(f"f-series-{index}", x, base - height, COLUMN, height))
                parts.append(_text(x + COLUMN / 2, base - height - 4, f"{counts[place]:,}", "many"))
        parts.append(_text(left + step / 2, base + 18, name, "tick"))
    parts.append(
        Markup('<line class="l-rail" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            LEFT, base, WIDTH - LEFT, base
        )
    )
    view = f"0 0 {WIDTH} {base + BOTTOM}"
    return charts.svg("columns", view, Markup("").join(parts), title, told)


def _legend(names: Sequence[str]) -> Iterator[Markup]:
    for index, name in enumerate(names):
        x = WIDTH - 220 + 110 * index
        yield _rect(f"f-series-{index}", x, 0, 12, 12)
        yield _text(x + 18, 10, name, "lane")


def _rect(kind: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind, x, y, width, height
    )


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="t-{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)
