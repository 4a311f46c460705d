"""Which fields a patch changes, by their paths; no values, which may be secret."""

from collections.abc import Iterator
from typing import Any

# As many as fit in a row; a path is cut to this many characters.
MOST = 20
LONGEST = 200
DEEPEST = 12
# What kubectl writes into every object that it applies.
_IGNORED = "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration"


def changed_fields(patch: Any) -> tuple[str, ...]:
    """Return the paths in a patch (JSON, merge or strategic merge), at most MOST.

    A server-side apply has a complete object, in which nothing says what is new: it has none.
    """
    if isinstance(patch, list):
        return tuple(_limited(_of_operations(patch)))
    if not isinstance(patch, dict) or {"apiVersion", "kind"} <= patch.keys():
        return ()
    return tuple(_limited(path for path in _leaves(patch, (), DEEPEST) if path != _IGNORED))


def _limited(paths: Iterator[str]) -> Iterator[str]:
    seen: dict[str, None] = {}
    for path in paths:
        seen[path[:LONGEST]] = None
        if len(seen) == MOST:
            break
    yield from seen


def _of_operations(patch: list[Any]) -> Iterator[str]:
    """Yield the paths of a JSON patch (RFC 6902) with dots in place of slashes."""
    for operation in patch:
        path = operation.get("path") if isinstance(operation, dict) else None
        if isinstance(path, str):
            parts = path.strip("/").split("/")
            yield ".".join(part.replace("~1", "/").replace("~0", "~") for part in parts)


def _leaves(value: dict[str, Any], above: tuple[str, ...], depth: int) -> Iterator[str]:
    for key, below in value.items():
        # A directive of a strategic merge, such as $setElementOrder/containers.
        if key.startswith("$"):
            continue
        path = (*above, key)
        if isinstance(below, dict) and below and depth > 1:
            yield from _leaves(below, path, depth - 1)
        else:
            yield ".".join(path)
