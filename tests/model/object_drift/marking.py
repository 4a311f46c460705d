"""Objects with a mark, as a cluster has them."""

from typing import Any

from model.api_objects import Object
from model.object_drift.mark import LABEL, Mark


def marked(document: Object, mark: Mark | str) -> dict[str, Any]:
    """Return a document with its mark."""
    metadata = document["metadata"]
    labels = {**(metadata.get("labels") or {}), LABEL: str(mark)}
    return {**document, "metadata": {**metadata, "labels": labels}}
