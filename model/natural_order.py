"""The order of names that people expect: numbers in them count as numbers."""

import re

Key = tuple[tuple[int | str, ...], str]


def natural(name: str) -> Key:
    """Return a sort key.

    >>> sorted(["rack1-10", "rack1-b", "rack1-9"], key=natural)
    ['rack1-9', 'rack1-10', 'rack1-b']
    """
    # Texts and numbers alternate, so that those of two names can be compared.
    parts = re.split(r"([0-9]+)", name)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name
