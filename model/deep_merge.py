"""Deep merging of mappings."""

from collections.abc import Mapping
from typing import Any


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `below` overridden by `above`, with nested mappings merged recursively."""
    both = dict(below)
    for key, value in above.items():
        lower = both.get(key)
        if isinstance(lower, Mapping) and isinstance(value, Mapping):
            both[key] = deep_merge(lower, value)
        else:
            both[key] = value
    return both
