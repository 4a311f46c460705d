"""The label of every object that a run applies: what was applied last, as two digests.

It says whether a difference is an edit, or a declaration that no run has applied yet. Of an object
that is missing, its siblings say so: those of one resource are applied together.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from model.api_objects import Json, Object

LABEL = "kubeadm-fleet/applied"
DIGITS = 16


@dataclass(frozen=True)
class Mark:
    """Digests of a document, and of all documents that are applied with it; "": not known."""

    document: str = ""
    siblings: str = ""

    def __str__(self) -> str:
        return f"{self.document}.{self.siblings}"


def marks(documents: Sequence[Object]) -> list[Mark]:
    """Return the mark of each document of one resource."""
    return marks_of([_digest(each) for each in documents])


def marks_of(digests: Sequence[str]) -> list[Mark]:
    """Return the marks of documents of one resource that have these digests."""
    every = _digest(list(digests))
    return [Mark(each, every) for each in digests]


def marked(document: Object, mark: Mark) -> Json:
    """Return a document with its mark."""
    metadata = document["metadata"]
    labels = {**(metadata.get("labels") or {}), LABEL: str(mark)}
    return {**document, "metadata": {**metadata, "labels": labels}}


def mark_of(live: Object) -> Mark:
    """Return the mark of an object of a cluster, as far as it has one."""
    text = str((live["metadata"].get("labels") or {}).get(LABEL, ""))
    document, _, siblings = text.partition(".")
    return Mark(document, siblings)


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
