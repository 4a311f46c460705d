"""Drawings as inline SVG. Colours are classes of the style sheet; the page has no script."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from markupsafe import Markup

# The class of a certificate's mark that needs no attention.
VALID = "valid"
WIDTH = 1000
GAP = 4


def distribution(parts: Sequence[tuple[str, int]], title: str, told: str) -> Markup:
    """Return a bar of clusters by grade, with a legend below that has the numbers."""
    known = [(letter, count) for letter, count in parts if count]
    rects = Markup("").join(
        Markup('<rect class="f-grade-{}" x="{:.1f}" y="0" width="{:.1f}" height="16"/>').format(
            letter.lower(), begin, width
        )
        for letter, begin, width in _placed(known, gap=GAP)
    )
    legend = Markup("").join(
        Markup('<li><span class="grade grade-{}">{}</span> <span class="n">{}</span></li>').format(
            letter.lower(), letter, f"{count:,}"
        )
        for letter, count in known
    )
    return Markup('{}<ul class="legend" aria-hidden="true">{}</ul>').format(
        svg("distribution", f"0 0 {WIDTH} 16", rects, title, told, stretched=True), legend
    )


def small_bar(parts: Sequence[tuple[str, int]]) -> Markup:
    """Return a small bar for a cell that has the numbers as text, too."""
    rects = Markup("").join(
        Markup('<rect class="f-{}" x="{:.1f}" y="0" width="{:.1f}" height="8"/>').format(*placed)
        for placed in _placed([part for part in parts if part[1]])
    )
    return Markup(
        '<svg class="bar" viewBox="0 0 {} 8" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}</svg>'
    ).format(WIDTH, rects)


def svg(
    name: str, view_box: str, content: Markup, title: str, told: str, *, stretched: bool = False
) -> Markup:
    """Return a drawing with a title and a description for those who do not see it."""
    # Two drawings with the same name and title would say the same.
    key = f"{name}-{sha256(title.encode()).hexdigest()[:6]}"
    return Markup(
        '<svg class="{name}" viewBox="{view_box}" role="img" aria-labelledby="{key}-t {key}-d"'
        '{ratio}><title id="{key}-t">{title}</title><desc id="{key}-d">{told}</desc>{content}</svg>'
    ).format(
        name=name,
        view_box=view_box,
        key=key,
        title=title,
        told=told,
        content=content,
        ratio=Markup(' preserveAspectRatio="none"') if stretched else "",
    )


def _placed(parts: Sequence[tuple[str, int]], gap: float = 0) -> Iterator[tuple[str, float, float]]:
    """Yield each part's name, its left edge and its width: what exists has one."""
    total = sum(count for _, count in parts)
    room = WIDTH - gap * (len(parts) - 1)
    at = 0.0
    for name, count in parts:
        width = room * count / total
        yield name, at, width
        at += width + gap
