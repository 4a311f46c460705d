"""A table of figures, for the terminal or as Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich import table
from rich.console import Console


@dataclass(frozen=True)
class Table:
    """Figures under a title; the first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def show(self, console: Console) -> None:
        """Print the table."""
        shown = table.Table(title=self.title, caption=self.note or None, title_justify="left")
        for number, column in enumerate(self.columns):
            shown.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            shown.add_row(*row)
        console.print(shown)

    def markdown(self) -> str:
        """Return the table as Markdown."""
        align = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [_line(self.columns), _line(align), *map(_line, self.rows)]
        parts = [f"### {self.title}", "\n".join(lines), self.note]
        return "\n\n".join(part for part in parts if part) + "\n"


def seconds(value: float) -> str:
    """Format seconds."""
    return f"{value:.1f}"


def ratio(value: float, against: float) -> str:
    """Format a ratio."""
    return f"{value / against:.2f}"


def megabytes(value: int) -> str:
    """Format bytes as megabytes."""
    return f"{value / 1e6:.0f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
