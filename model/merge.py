"""One mapping laid over another."""

from collections.abc import Mapping
from typing import Any


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, `above` before `below`; mappings within are laid over each other likewise."""
    both = dict(below)
    for key, value in above.items():
        lower = both.get(key)
        if isinstance(lower, Mapping) and isinstance(value, Mapping):
            both[key] = deep_merge(lower, value)
        else:
            both[key] = value
    return both
