"""The label of every object that a run applied: what was applied last, as digests.

It says whether a difference is an edit, or a declaration that no run has applied yet. Of an object
that is missing, its siblings say so: those of one resource are applied together. What it says of
the fields that were ours is for those who do not know the document (model/object_drift/loss.py).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from model.api_objects import Object
from model.well_known import KEEP_ANNOTATION

LABEL = "kubeadm-fleet/applied"
# The value of a label has at most 63 letters.
DIGITS = 16
LARGEST_NUMBER = 9999


@dataclass(frozen=True)
class Mark:
    """Digests of a document, of all `number` documents applied with it, and of our fields.

    "" and 0: not known, as of objects that earlier versions applied. Those that are kept have no
    number, and are not counted: they may be applied with others as well.
    """

    document: str = ""
    siblings: str = ""
    number: int = 0
    fields: str = ""

    def __str__(self) -> str:
        known = [self.document, self.siblings]
        if self.number or self.fields:
            known += [str(self.number), *([self.fields] if self.fields else [])]
        return ".".join(known)


def marks(documents: Sequence[Object]) -> list[Mark]:
    """Return the mark of each document of one resource, without its fields."""
    number = min(len([each for each in documents if not is_kept(each)]), LARGEST_NUMBER)
    return [
        mark if is_kept(each) else replace(mark, number=number)
        for each, mark in zip(
            documents, marks_of([digest(each) for each in documents]), strict=True
        )
    ]


def is_kept(document: Object) -> bool:
    """Whether an object is not deleted with its resource."""
    return KEEP_ANNOTATION in (document["metadata"].get("annotations") or {})


def marks_of(digests: Sequence[str]) -> list[Mark]:
    """Return the marks of documents of one resource that have these digests, without a number."""
    every = digest(list(digests))
    return [Mark(each, every) for each in digests]


def mark_of(live: Object) -> Mark:
    """Return the mark of an object of a cluster, as far as it has one."""
    text = str((live["metadata"].get("labels") or {}).get(LABEL, ""))
    document, siblings, number, fields, *_ = [*text.split("."), "", "", "", ""]
    is_number = number.isascii() and number.isdigit() and int(number) <= LARGEST_NUMBER
    return Mark(document, siblings, int(number), fields) if is_number else Mark(document, siblings)


def digest(content: object) -> str:
    """Return the digest of anything that JSON can write."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
