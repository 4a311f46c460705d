"""A time line: lanes of dates, from the past through 13 months to what comes later."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from markupsafe import Markup

from scripts.fleet.report_page import charts
from scripts.fleet.report_page.words import Words

WIDTH, LANE, TOP, BOTTOM = 960, 52, 30, 34
# Where the axis begins and ends; before it is what has expired, after it what comes later.
PAST, BEGIN, END, LATER = 190, 220, 870, 915
PERIOD = timedelta(days=396)
# Dates nearer to each other than this are one mark.
CELL = 20
LARGEST = 13


@dataclass(frozen=True)
class Event:
    """So many things on one date; `shape` is `valid`, `expiring` or `expired`."""

    time: datetime
    count: int
    shape: str


@dataclass(frozen=True)
class Lane:
    """Dates of one kind."""

    title: str
    events: Sequence[Event]


@dataclass(frozen=True)
class _Mark:
    x: float
    shape: str
    events: Sequence[Event]

    @property
    def count(self) -> int:
        return sum(each.count for each in self.events)

    @property
    def size(self) -> float:
        return min(4 + 1.2 * sqrt(self.count), LARGEST)


def draw(now: datetime, lanes: Sequence[Lane], words: Words) -> Markup:
    """Return the drawing."""
    height = TOP + LANE * len(lanes) + BOTTOM
    content = [*_axis(now, TOP + LANE * len(lanes), words)]
    for index, lane in enumerate(lanes):
        middle = TOP + LANE * index + LANE // 2
        content += _lane(now, lane, middle, words)
    return charts.svg(
        "timeline",
        f"0 0 {WIDTH} {height}",
        Markup("").join(content),
        words("certificates.time-line"),
        words("certificates.time-line-told"),
    )


def _axis(now: datetime, bottom: float, words: Words) -> Iterator[Markup]:
    for place, text in ((PAST, words("timeline.past")), (LATER, words("timeline.later"))):
        yield _text(place, bottom + 22, text, "tick")
    yield _line(BEGIN, TOP - 8, BEGIN, bottom, "now")
    yield _text(BEGIN, TOP - 14, words("timeline.now", date=words.date(now)), "now")
    yield _line(END + 18, TOP - 8, END + 18, bottom, "edge")
    month = now.replace(day=1, hour=0, minute=0, second=0)
    index = 0
    while True:
        month = (month + timedelta(days=32)).replace(day=1)
        if month > now + PERIOD:
            return
        x = _x(now, month)
        yield _line(x, TOP - 2, x, bottom, "grid")
        index += 1
        if index % 2 and x > BEGIN + 30:
            yield _text(x, bottom + 22, f"{month:%Y-%m}", "tick")


def _lane(now: datetime, lane: Lane, y: float, words: Words) -> Iterator[Markup]:
    yield _text(0, y + 4, lane.title, "lane")
    yield _line(PAST - 20, y, LATER + 30, y, "rail")
    for mark in _marks(now, lane.events):
        dates = sorted(each.time for each in mark.events)
        first, last = words.date(dates[0]), words.date(dates[-1])
        period = first if first == last else f"{first} / {last}"
        told = words.count("timeline.mark", mark.count, period=period)
        yield Markup("<g><title>{}</title>{}{}</g>").format(
            told,
            _shape(mark, y),
            _text(mark.x, y - mark.size - 4, f"{mark.count:,}", "many") if mark.count > 1 else "",
        )


def _marks(now: datetime, events: Sequence[Event]) -> list[_Mark]:
    groups: dict[tuple[int, str], list[Event]] = {}
    for each in events:
        groups.setdefault((int(_x(now, each.time) / CELL), each.shape), []).append(each)
    marks = []
    for (_, shape), found in groups.items():
        total = sum(each.count for each in found)
        middle = sum(_x(now, each.time) * each.count for each in found) / total
        marks.append(_Mark(middle, shape, found))
    return marks


def _x(now: datetime, time: datetime) -> float:
    if time < now:
        return PAST
    if time > now + PERIOD:
        return LATER
    return BEGIN + (END - BEGIN) * ((time - now) / PERIOD)


def _shape(mark: _Mark, y: float) -> Markup:
    """Return a disc, a triangle or a cross: not only the colour differs."""
    x, size = mark.x, mark.size
    if mark.shape == charts.VALID:
        return Markup('<circle class="m-valid" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
            x, y, size
        )
    if mark.shape == "expiring":
        points = (
            f"{x:.1f},{y - size:.1f} {x + size:.1f},{y + size:.1f} {x - size:.1f},{y + size:.1f}"
        )
        return Markup('<polygon class="m-expiring" points="{}"/>').format(points)
    path = (
        f"M{x - size:.1f} {y - size:.1f}L{x + size:.1f} {y + size:.1f}"
        f"M{x + size:.1f} {y - size:.1f}L{x - size:.1f} {y + size:.1f}"
    )
    return Markup('<path class="m-expired" d="{}"/>').format(path)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="l-{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="t-{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)
