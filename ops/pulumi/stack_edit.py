"""A change of one value in the text of a stack file; everything else stays as it was written.

The value's place is known from the marks of the parsed file, so that comments and layout are
kept. Whatever cannot be changed in this way, such as an alias, is left to a person.
"""

from collections.abc import Sequence
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node

from ops.errors import OperatorError
from ops.pulumi import stack_yaml

INDENT = 2


class NotEditable(OperatorError):
    """The file is written in a way that this program cannot change."""


def with_value(text: str, path: Sequence[str], value: str) -> str:
    """Return the text with a plain scalar at the path, whose mappings are made where they lack."""
    expected = _with_value(stack_yaml.read(text), path, stack_yaml.read(value))
    return _verified(_edited(text, path, value), expected, f"set {'.'.join(path)}: {value}")


def without_key(text: str, path: Sequence[str]) -> str:
    """Return the text without a key, and what it has in its own lines, if it is there."""
    document = stack_yaml.read(text)
    expected = _without_key(document, path)
    if expected == document:
        return text
    return _verified(_shortened(text, path), expected, f"remove {'.'.join(path)}")


def _verified(edited: str, expected: Any, by_hand: str) -> str:
    """Return the text if it says what is expected of it."""
    try:
        found = stack_yaml.read(edited)
    except yaml.YAMLError:
        found = None
    if found != expected:
        raise NotEditable(f"the stack file must be changed by hand: {by_hand}")
    return edited


def _shortened(text: str, path: Sequence[str]) -> str:
    *parents, last = path
    node = yaml.compose(text, Loader=stack_yaml.EngineLoader)
    for key in parents:
        node = _below(node, key) if isinstance(node, MappingNode) else None
    if not isinstance(node, MappingNode):
        return text
    position = [name.value for name, _ in node.value].index(last)
    key, value = node.value[position]
    begin, end = key.start_mark.index, _end(value)
    if not node.flow_style:
        line = text.find("\n", end)
        return text[: text.rfind("\n", 0, begin) + 1] + (text[line + 1 :] if line >= 0 else "")
    if position + 1 < len(node.value):
        end = node.value[position + 1][0].start_mark.index
    elif position:
        begin = node.value[position - 1][1].end_mark.index
    return text[:begin] + text[end:]


def _edited(text: str, path: Sequence[str], value: str) -> str:
    node = yaml.compose(text, Loader=stack_yaml.EngineLoader)
    if node is None:
        return text
    for depth, key in enumerate(path):
        if not isinstance(node, MappingNode) or (below := _below(node, key)) is None:
            return _inserted(text, node, path[depth:], value)
        node = below
    return text[: node.start_mark.index] + value + text[node.end_mark.index :]


def _below(node: MappingNode, key: str) -> Node | None:
    return next((below for name, below in node.value if name.value == key), None)


def _inserted(text: str, node: Node, path: Sequence[str], value: str) -> str:
    """Add keys to a mapping: at its end if it has a line for each key, else in its braces."""
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        end, column = _end(node), node.start_mark.column
        line = text.find("\n", end - 1)
        before, after = (text[: line + 1], text[line + 1 :]) if line >= 0 else (f"{text}\n", "")
        return before + _lines(path, value, column) + after
    if isinstance(node, MappingNode):
        begin = node.start_mark.index + 1
        separator = ", " if node.value else ""
        return text[:begin] + _braces(path, value)[1:-1] + separator + text[begin:]
    # A key without a value.
    begin, end = node.start_mark.index, node.end_mark.index
    return f"{text[:begin]} {_braces(path, value)}{text[end:]}"


def _end(node: Node) -> int:
    """Return where the last value of a node ends, before comments and empty lines."""
    is_block = isinstance(node, CollectionNode) and not node.flow_style
    if not is_block or not node.value:
        return int(node.end_mark.index)
    if not isinstance(node, MappingNode):
        return _end(node.value[-1])
    key, last = node.value[-1]
    # The marks of an alias are those of what it stands for.
    is_alias = last.start_mark.index < key.end_mark.index
    return int(key.end_mark.index) if is_alias else _end(last)


def _lines(path: Sequence[str], value: str, column: int) -> str:
    *keys, last = path
    lines = [f"{key}:" for key in keys] + [f"{last}: {value}"]
    return "".join(f"{' ' * (column + INDENT * depth)}{line}\n" for depth, line in enumerate(lines))


def _braces(path: Sequence[str], value: str) -> str:
    text = value
    for key in reversed(path):
        text = f"{{{key}: {text}}}"
    return text


def _with_value(document: Any, path: Sequence[str], value: Any) -> Any:
    """Return the document with the value at the path."""
    if not path:
        return value
    key, *rest = path
    mapping = document if isinstance(document, dict) else {}
    return {**mapping, key: _with_value(mapping.get(key), rest, value)}


def _without_key(document: Any, path: Sequence[str]) -> Any:
    """Return the document without the key at the path."""
    key, *rest = path
    if not isinstance(document, dict) or key not in document:
        return document
    if rest:
        return {**document, key: _without_key(document[key], rest)}
    return {name: value for name, value in document.items() if name != key}
