"""Composition of node scripts from the files of scripts/node/.

Each file names in header lines what has to be read before it (`# requires: lib staging`) and what
the program may tell it (`# settings: NODE_NAME`). A text is all that a file requires, each file
once and behind what it requires itself, in an order that depends on the headers alone: a text is
hashed into previews. Reading one only defines functions and constants; the caller says which
function runs.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from shlex import quote

NODE_SCRIPTS = Path(__file__).parents[2] / "scripts" / "node"
_HEADER = re.compile(r"^# requires: (.+)$", re.MULTILINE)


class ScriptError(ValueError):
    """Files of scripts/node/ that cannot be composed."""


def compose(script: str, settings: Mapping[str, str]) -> str:
    """Return what a root shell reads to have the script's functions: settings, then script."""
    return assignments(settings) + source(script)


def assignments(settings: Mapping[str, str]) -> str:
    """Return settings as shell assignments."""
    return "".join(f"{key}={quote(value)}\n" for key, value in sorted(settings.items()))


@cache
def source(script: str) -> str:
    """Return the complete text of a script, including its requirements."""
    return "".join(read(name) for name in closure(script))


def closure(script: str) -> tuple[str, ...]:
    """Return the files of a script in reading order, itself last."""
    return tuple(dict.fromkeys(_in_order(script, ())))


def requirements(script: str) -> tuple[str, ...]:
    """Return the requirements in the file's header."""
    header = _HEADER.search(read(script))
    return tuple(header[1].split()) if header else ()


def read(script: str) -> str:
    """Return the text of one file."""
    try:
        return (NODE_SCRIPTS / f"{script}.sh").read_text()
    except FileNotFoundError:
        raise ScriptError(f"there is no scripts/node/{script}.sh") from None


def _in_order(script: str, above: tuple[str, ...]) -> Iterator[str]:
    path = (*above, script)
    if script in above:
        raise ScriptError(f"circular requirement in scripts/node: {' -> '.join(path)}")
    for name in requirements(script):
        if not (NODE_SCRIPTS / f"{name}.sh").is_file():
            raise ScriptError(f"scripts/node/{script}.sh requires '{name}', which does not exist")
        yield from _in_order(name, path)
    yield script
