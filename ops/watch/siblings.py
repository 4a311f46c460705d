"""Which objects are missing of those that a run applied together.

Each of them says how many there were (model/object_drift/mark.py). What is missing is named if
this process has seen it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ops.watch.objects import AppliedObject

# So many findings there are of objects that were applied together.
MOST = 5


@dataclass(frozen=True)
class Missing:
    """One of `number` objects that is missing; `title` is "" if it was never seen.

    `siblings` is the digest of all of them, `sibling` one that is there. `place` counts those that
    are missing: their finding is the same after a restart, which knows no titles. `more` are as
    many as are missing besides the first MOST.
    """

    siblings: str
    sibling: str
    number: int
    place: int
    title: str
    more: int = 0


@dataclass
class _Group:
    """The titles of objects that were applied together, and of those that are gone, by time."""

    seen: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)


class Siblings:
    """What was seen of the objects of a cluster."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def missing(self, found: Iterable[AppliedObject]) -> tuple[Missing, ...]:
        """Return what is missing, given all objects that are there.

        Objects of which none is left were removed together, or applied again with others.
        """
        every = list(found)
        by_digest: dict[str, list[AppliedObject]] = {}
        for each in every:
            if each.number:
                by_digest.setdefault(each.siblings, []).append(each)
        titles = {each.title for each in every}
        self._groups = {digest: self._groups.get(digest, _Group()) for digest in by_digest}
        return tuple(
            missing
            for digest, its in by_digest.items()
            for missing in _missing(self._groups[digest], its, titles)
        )


def _missing(group: _Group, its: list[AppliedObject], titles: set[str]) -> list[Missing]:
    present = {each.title for each in its}
    group.seen |= present
    gone = sorted(group.seen - titles)
    group.gone = [each for each in group.gone if each in gone]
    group.gone += [each for each in gone if each not in group.gone]
    # A run that is not finished has applied them with others.
    moved = len(group.seen - present) - len(gone)
    first, number = min(its, key=lambda each: each.title), max(each.number for each in its)
    lacking = number - len(its) - moved
    return [
        Missing(
            first.siblings,
            first.title,
            number,
            place,
            group.gone[place] if place < len(group.gone) else "",
            more=max(lacking - MOST, 0) if place == MOST - 1 else 0,
        )
        for place in range(min(lacking, MOST))
    ]
