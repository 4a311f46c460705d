"""The text of a stack file, read as the engine reads it.

Python's library reads `on` as true and a repeated key as its last value; the engine reads the text
"on" and rejects the repetition. Both read `010` as 8, `1e3` as 1000 and `2026-01-01` as a time. The
program sees only the result: a host `010` would be the host `8` to it, silently. Therefore what is
not read as it is written is rejected here.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
# What the engine reads a plain scalar as, and the characters that one begins with.
SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
    "timestamp": (r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?", "0123456789"),
    "int": (r"[-+]?(0|[1-9][\d_]*|0[0-7_]+|0o[0-7_]+|0x[\da-fA-F_]+|0b[01_]+)", "-+0123456789"),
    "float": (
        r"[-+]?(\.[\d_]+|\d[\d_]*(\.[\d_]*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
KINDS = {"bool": "true or false", "null": "no value", "int": "a number", "float": "a number"}
# Plain keys that are the same text after they were read as a number or a boolean.
UNCHANGED = re.compile(r"0|-?[1-9]\d{0,17}|true|false")
LEADING_ZERO = re.compile(r"[-+]?0[\d_]+")


class EngineLoader(yaml.SafeLoader):
    """A loader that resolves plain scalars as the engine does; every key is text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 (yaml's own name)

    def construct_mapping(
        self,
        node: MappingNode,
        deep: bool = False,
    ) -> dict[Any, Any]:
        """Return a mapping with the keys as they are written."""
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_number(self, node: ScalarNode) -> float:
        """Return a number; a whole one is an int, as in the engine's JSON."""
        number: float = self.construct_yaml_float(node)
        return int(number) if number.is_integer() else number


for kind, (pattern, first) in SCALARS.items():
    EngineLoader.add_implicit_resolver(TAG + kind, re.compile(f"^(?:{pattern})$"), list(first))
EngineLoader.add_constructor(f"{TAG}float", EngineLoader.construct_number)


def read(text: str) -> Any:
    """Return the document; raise yaml.YAMLError if it is none, or not read as it is written."""
    node = yaml.compose(text, Loader=EngineLoader)
    if node is None:
        return None
    if problems := list(_problems(node, set())):
        raise yaml.YAMLError("; ".join(problems))
    return yaml.load(text, Loader=EngineLoader)  # noqa: S506 (a SafeLoader)


class Lines:
    """Where the parts of a valid document are written, by their paths."""

    def __init__(self, text: str) -> None:
        self._root = yaml.compose(text, Loader=EngineLoader)

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the line, from 1, of a key or item: of the last one of the path that is there.

        Of what a merge key or an alias brings, it is the line where that is written. None if the
        document has nothing of the path.
        """
        found = self._nodes(path)
        return found[-1][0].start_mark.line + 1 if found else None

    def value(self, path: Sequence[str | int]) -> Any:
        """Return the value at a path; None if there is none."""
        found = self._nodes(path)
        if len(found) < len(path):
            return None
        return yaml.load(yaml.serialize(found[-1][1]), Loader=EngineLoader)  # noqa: S506

    def _nodes(self, path: Sequence[str | int]) -> list[tuple[Node, Node]]:
        found: list[tuple[Node, Node]] = []
        node = self._root
        for key in path:
            child = _child(node, key) if node is not None else None
            if child is None:
                break
            found.append(child)
            node = child[1]
        return found


def _child(node: Node, key: str | int) -> tuple[Node, Node] | None:
    """Return the node that is written at a key, and its value; own keys come before merged ones."""
    if isinstance(node, SequenceNode):
        fits = isinstance(key, int) and key < len(node.value)
        return (node.value[int(key)], node.value[int(key)]) if fits else None
    if not isinstance(node, MappingNode):
        return None
    for name, value in node.value:
        if name.tag != MERGE and name.value == str(key):
            return name, value
    for name, value in node.value:
        if name.tag == MERGE:
            merged = value.value if isinstance(value, SequenceNode) else [value]
            for each in merged:
                if found := _child(each, key):
                    return found
    return None


def _problems(node: Node, seen: set[int]) -> Iterator[str]:
    """Yield what is not read as it is written, with its line."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _problems(item, seen)
    if isinstance(node, MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            yield from _key_problems(key, keys)
            yield from _problems(value, seen)
    if isinstance(node, ScalarNode) and node.style is None:
        if node.tag == f"{TAG}timestamp":
            yield _misread(node, "a time")
        if node.tag in (f"{TAG}int", f"{TAG}float") and LEADING_ZERO.fullmatch(node.value):
            yield f"{_misread(node, 'another number')}, or leave out the zero"


def _key_problems(key: Node, keys: set[str]) -> Iterator[str]:
    """Yield the problem of one key; `keys` are those before it in the mapping."""
    line = key.start_mark.line + 1
    if not isinstance(key, ScalarNode):
        yield f"line {line}: a key that is not text"
        return
    kind = key.tag.removeprefix(TAG)
    if key.tag == MERGE:
        return
    if key.value in keys:
        yield f"line {line}: the key {key.value} is there twice: remove one"
    keys.add(key.value)
    if key.style is None and kind != "str" and not UNCHANGED.fullmatch(key.value):
        yield _misread(key, KINDS.get(kind, "a time"))


def _misread(node: ScalarNode, reading: str) -> str:
    line, text = node.start_mark.line + 1, node.value
    return f'line {line}: {text or "nothing"} is read as {reading}: quote it ("{text}")'
