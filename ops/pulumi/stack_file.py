"""The private copy of a stack's tracked file.

Pulumi keeps the salt of the passphrase and encrypted values in the stack file, and that salt fits
one passphrase only: written into the tracked file, it would leave the checkout dirty and lock out
the next user. Therefore the engine reads a copy, regenerated from the tracked file for each run, in
which this user's salt and encrypted values are kept.

The files are merged as YAML nodes rather than values, so that the engine reads exactly what was
written: loaded and dumped, an unquoted `on` would come back as `true`.
"""

import shutil
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from ops.errors import OperatorError, text_of
from ops.private_file import write_private
from ops.pulumi import stack_yaml
from ops.pulumi.workspace import Workspace

_PROTECTION = ("encryptionsalt", "secretsprovider", "encryptedkey")
_NOTE = "# Generated from {tracked} at each run: edit that file. Secrets set here are kept.\n"


class StackFileError(OperatorError):
    """A stack file is missing or cannot be read."""


def refresh(workspace: Workspace) -> None:
    """Bring the private copy up to date with the tracked file."""
    tracked = workspace.tracked_config
    copy = workspace.config_file
    kept = copy.read_text(encoding="utf-8") if copy.exists() else ""
    read(tracked)
    try:
        merged = merge(
            tracked.read_text(encoding="utf-8"),
            kept,
            keep_tracked_secrets=workspace.external_passphrase,
        )
    except (yaml.YAMLError, StackFileError) as error:
        raise StackFileError(f"{tracked}: not a stack file: {text_of(error)}") from None
    content = _NOTE.format(tracked=tracked.name) + merged
    if content != kept:
        write_private(copy, content)
    shutil.copyfile(workspace.project / "Pulumi.yaml", copy.parent / "Pulumi.yaml")


def merge(tracked: str, copy: str, *, keep_tracked_secrets: bool) -> str:
    """Return the tracked stack file with the copy's own salt and encrypted values.

    Encrypted values of the tracked file belong to a passphrase that is not this user's, unless the
    user configured one: without it the engine could only reject the file.
    """
    result = _compose(tracked)
    mine = _compose(copy)
    if not keep_tracked_secrets:
        result = _without(result, _PROTECTION)
        _set_config(result, [(k, v) for k, v in _config(result) if not _is_secret(v)])
    if not _protection(result):
        result.value += [(k, v) for k, v in mine.value if k.value in _PROTECTION]
    if _protection(result) == _protection(mine):
        secret = [(k, v) for k, v in _config(mine) if _is_secret(v)]
        replaced = [k.value for k, _ in secret]
        kept = [(k, v) for k, v in _config(result) if k.value not in replaced]
        _set_config(result, kept + secret)
    return yaml.serialize(result, width=4096) if result.value else ""


def read(path: Path) -> Any:
    """Return the document of a stack file, as the engine reads it."""
    require_stack_file(path)
    try:
        return stack_yaml.read(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StackFileError(f"{path}: not a stack file: {text_of(error)}") from None


def require_stack_file(path: Path) -> None:
    """Raise an error for a stack without a file, naming the stacks that have one."""
    if not path.is_file():
        names = sorted(file.name.split(".")[1] for file in path.parent.glob("Pulumi.*.yaml"))
        raise StackFileError(
            f"no stack file {path.name} in {path.parent}; stacks here: {', '.join(names) or 'none'}"
        )


def _compose(text: str) -> MappingNode:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return MappingNode("tag:yaml.org,2002:map", [])
    if not isinstance(node, MappingNode):
        raise StackFileError("the file must be a mapping with the key `config`")
    return node


def _without(node: MappingNode, names: tuple[str, ...]) -> MappingNode:
    return MappingNode(node.tag, [(k, v) for k, v in node.value if k.value not in names])


def _protection(node: MappingNode) -> dict[str, str]:
    """Return the settings that protect the file's encrypted values."""
    return {k.value: v.value for k, v in node.value if k.value in _PROTECTION}


def _config(node: MappingNode) -> list[tuple[ScalarNode, Node]]:
    for key, value in node.value:
        if key.value == "config" and isinstance(value, MappingNode):
            return list(value.value)
    return []


def _set_config(node: MappingNode, items: list[tuple[ScalarNode, Node]]) -> None:
    for key, value in node.value:
        if key.value == "config" and isinstance(value, MappingNode):
            value.value = items
            value.flow_style = False
            return
    if items:
        key = ScalarNode("tag:yaml.org,2002:str", "config")
        node.value.insert(0, (key, MappingNode("tag:yaml.org,2002:map", items, flow_style=False)))


def _is_secret(node: Node) -> bool:
    return isinstance(node, MappingNode) and [k.value for k, _ in node.value] == ["secure"]
