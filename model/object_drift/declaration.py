"""What the config declares of the objects of clusters, as plain data that can be kept.

model/object_drift/rendered.py makes it: to render the objects takes longer than to compare them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.api_objects import Object
from model.object_drift.mark import Mark, marks_of


@dataclass(frozen=True)
class DeclaredObject:
    """A document, with its mark."""

    document: Object
    mark: Mark


def from_plain(plain: Mapping[str, Any], cluster: str) -> Sequence[DeclaredObject] | None:
    """Return the objects of a cluster, None if it is not declared."""
    resources = plain["clusters"].get(cluster)
    if resources is None:
        return None
    return [
        DeclaredObject(plain["documents"][mark.document], mark)
        for digests in resources
        for mark in marks_of(digests)
    ]
