"""Facts of many clusters, of which most are alike: each is kept once."""

import sys
from collections.abc import Mapping

from model.consistency.facts import Document, Items, Value


class SharedFacts:
    """Each document and each set of items once: most clusters of a fleet are alike."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._items: dict[tuple[tuple[str, Value], ...], Items] = {}

    def items(self, items: Mapping[str, Value]) -> Items:
        """Return items that are equal to these."""
        shared = {sys.intern(name): self._value(value) for name, value in sorted(items.items())}
        return self._items.setdefault(tuple(shared.items()), shared)

    def _value(self, value: Value) -> Value:
        if isinstance(value, str):
            return sys.intern(value)
        known = self._documents.setdefault(value.digest, value)
        return known if known.fields or not value.fields else value
