"""Filters of lines that a host applies with grep before it sends them.

They keep all lines that are wanted, and others: what is wanted is decided when a line was parsed.
Each is about one key as an API server writes it. A client cannot take a text out of the line of its
own request, so that none is excluded by a text that it has.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Users that are a cluster's own parts.
SYSTEM_USERS = (
    *("system:apiserver", "system:kube-", "system:node:", "system:serviceaccount:kube-system:"),
)
# Characters that JSON never escapes, grep never interprets, and every encoding has.
_PLAIN = re.compile(r"[A-Za-z0-9@:._/-]+")
# More patterns make grep slower than what they save.
MOST_TIMES = 50
# How far a machine's clock may be ahead of this host's.
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class LineFilter:
    """Keeps lines that have one of the texts, or that match one of the expressions (POSIX ERE)."""

    patterns: tuple[str, ...]
    is_expression: bool = False

    def __str__(self) -> str:
        """Return what scripts/node/audit_log.sh takes: grep's option, and a pattern a line."""
        assert all(each[:1] in '" ' and each.isprintable() for each in self.patterns)
        option = "--extended-regexp" if self.is_expression else "--fixed-strings"
        return "".join(f"{line}\n" for line in (option, *self.patterns))


def texts(*patterns: str) -> LineFilter:
    """Keep the lines that have one of these texts."""
    return LineFilter(patterns)


def value(key: str, values: Iterable[str], *others: str) -> list[LineFilter]:
    """Keep the lines where the key has one of the values, or that have one of the other texts.

    There is no filter if a value is not plain: JSON may have it in several forms.
    """
    wanted = tuple(values)
    if not wanted or not all(map(_PLAIN.fullmatch, wanted)):
        return []
    return [LineFilter((*(f'"{key}":"{each}"' for each in wanted), *others))]


def people() -> LineFilter:
    """Keep the requests of users that are not a cluster's own parts, or act as somebody else."""
    other = rf'"user":\{{"username":"{_without_prefix(SYSTEM_USERS)}'
    nobody = r'"user":\{(\}|"(uid|groups|extra)")'
    return LineFilter((other, nobody, r'"impersonatedUser":\{'), is_expression=True)


def since(time: datetime | None, now: datetime) -> list[LineFilter]:
    """Keep the events that were written at this time or later, to the hour or the day."""
    if time is None:
        return []
    start, end = time.astimezone(UTC), now.astimezone(UTC) + AHEAD
    for form, step in (("%Y-%m-%dT%H", timedelta(hours=1)), ("%Y-%m-%d", timedelta(days=1))):
        count = (end - start) // step + 2
        if 0 < count <= MOST_TIMES:
            stamps = {(start + number * step).strftime(form) for number in range(count)}
            return [LineFilter(tuple(f'"stageTimestamp":"{each}' for each in sorted(stamps)))]
    return []


def _without_prefix(prefixes: Collection[str]) -> str:
    """Return an expression for the beginning of a text that has none of these prefixes.

    POSIX has no negative lookahead: at each character, another one, or the next one and so on.
    """
    # A hyphen must not stand between two characters.
    first = sorted({prefix[0] for prefix in prefixes}, key=lambda each: (each == "-", each))
    ways = [f"[^{''.join(first)}]"]
    for character in first:
        rest = [prefix[1:] for prefix in prefixes if prefix[0] == character]
        if all(rest):
            ways.append(f"{character}{_without_prefix(rest)}")
    return f"({'|'.join(ways)})"
