"""What sections are made of: blocks that HTML and Markdown can both show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from markupsafe import Markup


class Tone(StrEnum):
    """How something is meant; it always has words as well: colour is never the only sign."""

    PLAIN = ""
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    MUTED = "muted"


@dataclass(frozen=True)
class Cell:
    """A cell of a table. `language` is that of its text if it is not the page's."""

    text: str
    tone: Tone = Tone.PLAIN
    language: str = ""
    is_code: bool = False
    is_grade: bool = False
    bar: Markup | None = None


@dataclass(frozen=True)
class Column:
    """A column: its title, whether it has numbers, and whether its cells are as wide as needed.

    One that is `is_flexible` gets narrower than that: its texts are short, or have many parts.
    """

    title: str
    is_number: bool = False
    is_wide: bool = False
    is_flexible: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the first column names its rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Chart:
    """A drawing, which has its own title and description, and the table that says the same."""

    drawing: Markup
    table: Table
    summary: str


@dataclass(frozen=True)
class Details:
    """Blocks that are closed at first; in print they are open."""

    summary: str
    blocks: Sequence["Block"]


@dataclass(frozen=True)
class Figure:
    """A number that matters, what it is of, and what to know of it."""

    label: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Figures:
    """Numbers in a row."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Entry:
    """A cluster in the list of grades: why it is not better, with what that costs."""

    grade: str
    points: str
    name: str
    facts: Sequence[str]
    labels: Sequence[str]
    reasons: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Entries:
    """Clusters with their grades; `titles` are of the columns where they are a table."""

    titles: Sequence[str]
    entries: Sequence[Entry]


Block = Paragraph | Heading | Table | Chart | Details | Figures | Entries


@dataclass(frozen=True)
class Section:
    """A part of the page; `count` is shown beside its name in the list of sections."""

    key: str
    title: str
    blocks: Sequence[Block]
    count: str = ""
    count_tone: Tone = field(default=Tone.PLAIN)


def limited(table: Table, most: int, more: str) -> list[Block]:
    """Return a table with its first rows, and the others behind a summary."""
    if len(table.rows) <= most + 2:
        return [table]
    rest = Table(f"{table.caption}: {more}", table.columns, table.rows[most:])
    return [Table(table.caption, table.columns, table.rows[:most]), Details(more, [rest])]
