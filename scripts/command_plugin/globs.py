"""Files selected by a list of patterns.

`*` is anything but a slash, `**` anything, `?` one character but a slash, `[a-z]` and `[!a-z]`
character classes, `{a,b}` alternatives; a pattern that begins with `!` excludes files that earlier
patterns included.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from scripts.command_plugin.running_operation import Failure


def matching(directory: Path, patterns: Sequence[str]) -> list[str]:
    """List the files below a directory that match the patterns, relative to it."""
    rules = [(not p.startswith("!"), _compile(p.removeprefix("!"))) for p in patterns]
    found = []
    for parent, _, names in os.walk(directory):
        for name in names:
            path = (Path(parent) / name).relative_to(directory).as_posix()
            selected = False
            for include, expression in rules:
                if expression.fullmatch(path):
                    selected = include
            if selected:
                found.append(path)
    return sorted(found)


def _compile(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; raises Failure for an invalid one."""
    parts: list[str] = []
    position = 0
    depth = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            stars = re.compile(r"\**").match(pattern, position)
            more = stars.end() if stars else position
            parts.append(".*" if more > position else "[^/]*")
            position = more
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            end = pattern.find("]", position)
            if end < 0:
                raise Failure("unexpected end of input")
            inside = pattern[position:end]
            negated = inside.startswith("!")
            inside = inside.removeprefix("!").replace("\\", "\\\\").replace("^", "\\^")
            parts.append(f"[{'^' if negated else ''}{inside}]")
            position = end + 1
        elif character == "{":
            depth += 1
            parts.append("(?:")
        elif character == "}" and depth:
            depth -= 1
            parts.append(")")
        elif character == "," and depth:
            parts.append("|")
        elif character == "\\" and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        else:
            parts.append(re.escape(character))
    if depth:
        raise Failure("unexpected end of input")
    return re.compile("".join(parts), re.DOTALL)
