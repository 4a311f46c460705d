"""Whether a value is as declared, with what an API adds to it or leaves out."""

import re
from collections.abc import Iterator

from model.consistency.facts import COMPONENTS, RBAC, Document, Value
from model.quantities import value_of

# What an API does not send, since it is what no value means.
ZERO = ("0", "false", "", "{}", "null")
# https://pkg.go.dev/time#ParseDuration, as far as the API writes it.
# What a field of quantities is called, or a map of them.
QUANTITIES = re.compile(
    r"(?:^|[.\]])(?:requests|limits|hard|min|max|default|defaultRequest|sizeLimit)(?=$|[.\[])"
)
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


def deviates(area: str, wanted: Value, found: Value | None) -> bool:
    """Return whether a value is another one than the declared; None: there is none."""
    if isinstance(wanted, Document) and isinstance(found, Document):
        return wanted.digest != found.digest and (
            not found.fields or any(_other_fields(wanted, found, is_exact=area == RBAC))
        )
    if isinstance(wanted, Document) or isinstance(found, Document):
        return True
    return not _same(wanted, found, is_exact=area in COMPONENTS)


def other_fields(area: str, wanted: Value, found: Value | None) -> list[str]:
    """Return the paths of a document that are not as declared, as far as fields are known."""
    if not isinstance(wanted, Document) or not isinstance(found, Document) or not found.fields:
        return []
    return sorted(_other_fields(wanted, found, is_exact=area == RBAC))


def _other_fields(wanted: Document, found: Document, *, is_exact: bool) -> Iterator[str]:
    """Yield declared fields with other values, and entries of declared lists beside them."""
    for path, text in wanted.fields.items():
        if not _same(text, found.fields.get(path), is_exact=False) and not (
            QUANTITIES.search(path) and _same_amount(text, found.fields.get(path))
        ):
            yield path
    entries = {entry for path in wanted.fields for entry in _entries(path)}
    lists = {entry.rpartition("[")[0] for entry in entries}
    for path in found.fields.keys() - wanted.fields.keys():
        if is_exact or any(
            entry not in entries and entry.rpartition("[")[0] in lists for entry in _entries(path)
        ):
            yield path


def _entries(path: str) -> Iterator[str]:
    """Yield the entries of lists and maps that a path leads through, from the top."""
    for index, letter in enumerate(path):
        if letter == "]":
            yield path[: index + 1]


def _same(wanted: str, found: str | None, *, is_exact: bool) -> bool:
    if wanted == found:
        return True
    if is_exact:
        return False
    if found is None:
        return wanted in ZERO
    seconds = _seconds(wanted)
    return seconds is not None and seconds == _seconds(found)


def _same_amount(wanted: str, found: str | None) -> bool:
    try:
        return found is not None and value_of(wanted) == value_of(found)
    except ValueError:
        return False


def _seconds(text: str) -> float | None:
    match = DURATION.fullmatch(text)
    if not text or match is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
