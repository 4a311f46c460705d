"""The page as Markdown: the same sections, without drawings; their tables say the same."""

import re
from collections.abc import Iterator, Sequence

from model.config.errors import visible
from model.fleet_report.document import FleetReport
from scripts.fleet.report_page.blocks import (
    Block,
    Chart,
    Details,
    Entries,
    Figures,
    Heading,
    Paragraph,
    Table,
)
from scripts.fleet.report_page.sections import sections
from scripts.fleet.report_page.words import Words

# What begins markup, HTML, a link or an autolink; a backslash before it makes it text.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@:-])")


def page(report: FleetReport, words: Words) -> str:
    """Return the page; everything on it that a cluster or a person has chosen is text."""
    lines = [f"# {text(words('page.title', name=report.name))}", ""]
    lines += [text(words("page.made", time=words.time(report.time))), ""]
    for section in sections(report, words):
        lines += [f"## {text(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip()


def text(value: str) -> str:
    """Return a text in one line that Markdown and HTML in it take for text."""
    return _MARKUP.sub(r"\\\1", visible(" ".join(value.split())))


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield text(block.text)
        case Heading():
            yield f"### {text(block.text)}"
        case Table():
            yield from _table(block.caption, [each.title for each in block.columns],
                              [[cell.text for cell in row] for row in block.rows],
                              [each.is_number for each in block.columns])  # fmt: skip
        case Chart():
            yield from _block(block.table)
        case Details():
            for inner in block.blocks:
                yield from _block(inner)
                yield ""
        case Figures():
            for each in block.figures:
                note = f" ({text(each.note)})" if each.note else ""
                yield f"- {text(each.label)}: **{text(each.value)}**{note}"
        case Entries():
            rows = [
                [
                    each.grade, each.points, each.name, "; ".join(each.facts),
                    ", ".join(each.labels),
                    "; ".join([*(f"{reason} ({cost})" for reason, cost in each.reasons),
                               *each.notes]),
                ]
                for each in block.entries
            ]  # fmt: skip
            yield from _table("", block.titles, rows, [False] * len(block.titles))


def _table(
    caption: str,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    are_numbers: Sequence[bool],
) -> Iterator[str]:
    if caption:
        yield from (f"**{text(caption)}**", "")
    yield _row(titles)
    yield f"|{'|'.join('---:' if number else '---' for number in are_numbers)}|"
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(text, cells))} |"
