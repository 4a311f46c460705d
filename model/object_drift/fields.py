"""The fields in which an object of a cluster is not as declared.

Only what is declared counts: fields that others add are theirs, and so are entries of maps. Entries
that a list has besides the declared ones are named, since they change what runs. The comparison is
that of `fleet consistency` (model/consistency/deviation.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.api_objects import Json, Object
from model.consistency.deviation import other_fields
from model.consistency.facts import ADD_ONS, RBAC, document, entries
from model.object_drift.paths import steps_of

# They identify an object, or are not declared.
NOT_COMPARED = ("apiVersion", "kind", "metadata", "status")
RBAC_GROUP = "rbac.authorization.k8s.io/"


@dataclass(frozen=True)
class FieldDifference:
    """A field that is not as declared; `wanted` is None of an entry that is not declared.

    Values are texts, "" of whole entries; `found` is None if the field is not there.
    """

    path: str
    wanted: str | None
    found: str | None


def differences(declared: Object, live: Object) -> list[FieldDifference]:
    """Return the fields that are not as declared; of an entry of a list that one side lacks, it."""
    one = _content(declared)
    other = _compared(live, one)
    if _covers(one, other):
        return []
    is_exact = str(declared["apiVersion"]).startswith(RBAC_GROUP)
    wanted, found = document(one), document(other)
    rows: dict[str, FieldDifference] = {}
    for path in other_fields(RBAC if is_exact else ADD_ONS, wanted, found):
        if path in wanted.fields:
            where = _lacking(other, path) or path
            text = wanted.fields.get(where, "")
            rows[where] = FieldDifference(where, text, found.fields.get(where))
        elif where := _lacking(one, path) or (path if is_exact else ""):
            rows[where] = FieldDifference(where, None, found.fields.get(where, ""))
    for path, text in wanted.fields.items():
        if path not in found.fields and text and _is_text(one, path):
            where = _lacking(other, path) or path
            rows.setdefault(where, FieldDifference(where, wanted.fields.get(where, ""), None))
    return list(_outermost(rows))


def _outermost(rows: Mapping[str, FieldDifference]) -> Iterator[FieldDifference]:
    """Yield the rows without those of lines of a text, of which the first one says enough."""
    texts = set()
    for path, row in rows.items():
        text, _, line = path.rpartition(":")
        if line.isdigit():
            if text in texts:
                continue
            texts.add(text)
        yield row


def _content(declared: Object) -> Json:
    content = {key: value for key, value in declared.items() if key not in NOT_COMPARED}
    metadata = declared["metadata"]
    named = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    return {**content, "metadata": named} if named else content


def _compared(live: Object, wanted: Object) -> Json:
    """Return what is compared of an object: what it has of what is declared at the top."""
    found = {key: live[key] for key in wanted if key in live}
    if "metadata" in wanted:
        found["metadata"] = {
            kind: {key: its[key] for key in named if key in its}
            for kind, named in wanted["metadata"].items()
            for its in (live["metadata"].get(kind) or {},)
        }
    return found


def _covers(wanted: Any, found: Any) -> bool:
    """Whether what is declared is there literally: true of most objects, and cheap."""
    match wanted:
        case Mapping():
            return isinstance(found, Mapping) and all(
                key in found and _covers(value, found[key]) for key, value in wanted.items()
            )
        case list():
            return (
                isinstance(found, list)
                and len(wanted) == len(found)
                and all(map(_covers, wanted, found))
            )
        case _:
            return bool(wanted == found)


def _is_text(content: Any, path: str) -> bool:
    """Whether a field is a text: unlike a number or a boolean, an API leaves none out."""
    for step in steps_of(path):
        if isinstance(content, list):
            content = dict(entries(content, whole=True))[step.name]
        else:
            content = content[step.name]
    return isinstance(content, str)


def _lacking(content: Any, path: str) -> str:
    """Return the path of the entry that a list does not have; "" if it is nothing of a list."""
    for step in steps_of(path):
        if isinstance(content, list):
            known = dict(entries(content, whole=True))
            if step.name not in known:
                return step.path
            content = known[step.name]
        elif isinstance(content, Mapping) and step.name in content:
            content = content[step.name]
        else:
            return ""
    return ""
