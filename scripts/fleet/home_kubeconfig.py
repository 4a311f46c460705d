"""The user's own kubeconfig (~/.kube/config), into which a stack's contexts are merged.

Entries written by this program carry an extension with the stack's name; everything else stays
unchanged. The file is handled as YAML nodes rather than values: loaded and dumped, an unquoted `on`
would come back as `true`. It is locked the way kubectl locks it, replaced atomically, and the
former content is kept beside it.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ops.errors import OperatorError, text_of
from ops.private_file import write_private
from scripts.fleet.kubeconfig import EXTENSION

LOCK_SECONDS = 10.0
BACKUP = ".before-fleet"
SECTIONS = ("clusters", "users", "contexts")
KINDS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_EMPTY = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n"
_STRING = "tag:yaml.org,2002:str"


def merge_into(path: Path, kubeconfig: str, stack: str) -> list[str]:
    """Put the contexts of `kubeconfig` into a file, replacing those of `stack`.

    Returns their names in the file: `<cluster>-admin`, or `<stack>-<cluster>-admin` if that name is
    taken by another owner.
    """
    path = path.resolve()  # A link stays one.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        merged, names = merged_text(before, kubeconfig, stack, path)
        _replace(path, before, merged)
    return names


def remove_from(path: Path, stack: str) -> bool:
    """Remove all entries of `stack` from a file; return whether there were any."""
    path = path.resolve()
    if not path.is_file():
        return False
    with _locked(path):
        before = path.read_text(encoding="utf-8")
        if EXTENSION not in before:
            return False  # Whatever it contains, no entry is ours.
        node = _compose(before, path)
        if not _drop(node, stack):
            return False
        current = _value(node, "current-context")
        contexts = {_name(entry) for entry in _entries(node, "contexts")}
        if isinstance(current, ScalarNode) and current.value not in contexts:
            _set(node, "current-context", _scalar(""))
        _replace(path, before, _text(node))
    return True


def merged_text(before: str, kubeconfig: str, stack: str, path: Path) -> tuple[str, list[str]]:
    """Return the merged file and the names of the contexts put into it."""
    node = _compose((before.strip() and before) or _EMPTY, path)
    _drop(node, stack)
    added = _compose(kubeconfig, path)
    taken = {(section, _name(entry)) for section in SECTIONS for entry in _entries(node, section)}
    renamed = {
        (section, _name(entry)): _free_name(section, _name(entry), stack, taken)
        for section in SECTIONS
        for entry in _entries(added, section)
    }
    for section in SECTIONS:
        for entry in _entries(added, section):
            _set(entry, "name", _scalar(renamed[section, _name(entry)]))
            body = _value(entry, KINDS[section])
            assert isinstance(body, MappingNode)
            if section == "contexts":
                for kind in ("clusters", "users"):
                    reference = _value(body, KINDS[kind])
                    assert isinstance(reference, ScalarNode)
                    _set(body, KINDS[kind], _scalar(renamed[kind, reference.value]))
            _set(body, "extensions", _mark(stack))
            _section(node, section).value.append(entry)
    names = [new for (section, _), new in renamed.items() if section == "contexts"]
    contexts = {_name(entry) for entry in _entries(node, "contexts")}
    current = _value(node, "current-context")
    if not isinstance(current, ScalarNode) or current.value not in contexts:
        _set(node, "current-context", _scalar(names[0]))
    return _text(node), names


def _free_name(section: str, name: str, stack: str, taken: set[tuple[str, str]]) -> str:
    if (section, name) not in taken:
        return name
    longer = f"{stack}-{name}"
    if (section, longer) in taken:
        raise OperatorError(
            f"the kubeconfig already has {section} named {name} and {longer} that are not of the "
            f"stack {stack}: rename one of them (`kubectl config rename-context`)"
        )
    return longer


def _drop(node: MappingNode, stack: str) -> bool:
    """Remove all entries of `stack`; return whether there were any."""
    dropped = False
    for section in SECTIONS:
        entries = _section(node, section)
        kept = [entry for entry in entries.value if not _is_of(entry, stack)]
        dropped = dropped or len(kept) < len(entries.value)
        entries.value = kept
    return dropped


def _replace(path: Path, before: str, after: str) -> None:
    if after == before:
        return
    if before:
        write_private(path.with_name(path.name + BACKUP), before)
    write_private(path, after)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold kubectl's lock: a file beside the kubeconfig that exists while it is written."""
    lock = path.with_name(f"{path.name}.lock")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"{path} is locked by another program ({lock} exists): if none is running, "
                    "remove that file, then run the command again"
                ) from None
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _compose(text: str, path: Path) -> MappingNode:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise OperatorError(f"{path} is not YAML ({text_of(error)}): nothing was changed") from None
    if not isinstance(node, MappingNode):
        raise OperatorError(f"{path} is not a kubeconfig: nothing was changed")
    return node


def _text(node: MappingNode) -> str:
    return str(yaml.serialize(node, width=4096))


def _section(node: MappingNode, name: str) -> SequenceNode:
    found = _value(node, name)
    if not isinstance(found, SequenceNode):
        found = SequenceNode("tag:yaml.org,2002:seq", [])
        _set(node, name, found)
    found.flow_style = False
    return found


def _entries(node: MappingNode, section: str) -> Iterable[MappingNode]:
    return [entry for entry in _section(node, section).value if isinstance(entry, MappingNode)]


def _value(node: Node | None, key: str) -> Node | None:
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _set(node: MappingNode, key: str, value: Node) -> None:
    node.value = [pair for pair in node.value if pair[0].value != key] + [(_scalar(key), value)]


def _name(entry: MappingNode) -> str:
    found = _value(entry, "name")
    return found.value if isinstance(found, ScalarNode) else ""


def _is_of(entry: Node, stack: str) -> bool:
    """Whether this program wrote an entry for this stack."""
    for kind in KINDS.values():
        extensions = _value(_value(entry, kind), "extensions")
        for extension in extensions.value if isinstance(extensions, SequenceNode) else []:
            name, owner = _value(extension, "name"), _value(_value(extension, "extension"), "stack")
            if isinstance(name, ScalarNode) and isinstance(owner, ScalarNode):
                return (name.value, owner.value) == (EXTENSION, stack)
    return False


def _mark(stack: str) -> Node:
    text = yaml.safe_dump([{"name": EXTENSION, "extension": {"stack": stack}}])
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None
    return node


def _scalar(text: str) -> ScalarNode:
    """Return a string node, quoted if it would otherwise be read as another type."""
    found = yaml.compose(yaml.safe_dump(text), Loader=yaml.SafeLoader)
    assert isinstance(found, ScalarNode)
    return ScalarNode(_STRING, text, style=found.style)
