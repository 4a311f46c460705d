"""What a key of the config means: the entry of docs/config.md, on the terminal."""

import difflib
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import yaml

from model.config import kubelet_fields
from model.config.open_mapping import OpenMapping
from ops.errors import OperatorError
from scripts import config_reference
from scripts.config_reference import LISTED, NAME, Key
from scripts.config_reference import keys as keys_of_config

WIDTH = 96
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
# What a path of a cluster's own setting, or of an override's, begins with.
CLUSTER, OVERRIDE = ("clusters", NAME), ("overrides", LISTED)


def listed() -> str:
    """Return all keys, one on each line."""
    return "".join(f"{path}\n" for path in _by_path())


def describe(text: str) -> str:
    """Return what a key means, where it can be set and what it may have; raise OperatorError."""
    keys = _by_path()
    wanted, field = _normal(text, keys), ""
    if wanted is None:
        wanted, field = _open_mapping(text, keys)
    if wanted is None:
        nearest = difflib.get_close_matches(text, keys, n=3)
        hint = f"did you mean {', '.join(nearest)}? " if nearest else ""
        raise OperatorError(
            f"the config has no key {text}: {hint}`fleet explain --config` lists all keys"
        )
    key = keys[wanted]
    rows = [
        ("key", wanted),
        ("can be set", ", ".join(_places(wanted, keys))),
        ("allowed", _plain(config_reference.allowed(key))),
        ("default", _plain(config_reference.default(key))),
        ("example", _example(key)),
        *([(f"{field}", _of_open_mapping(str(key.path[-1]), field))] if field else []),
    ]
    lines = [f"{name:<11} {line}\n" for name, text in rows for line in _folded(text, 12)]
    below = [f"  {path}\n" for path in keys if _is_child(path, wanted)]
    about = "\n".join(textwrap.wrap(str(key.info.description), WIDTH))
    return "".join(
        [*_once(lines), f"\n{about}\n", *(["\nKeys below it:\n", *below] if below else [])]
    )


@cache
def _by_path() -> Mapping[str, Key]:
    return {_written(key.path): key for key in keys_of_config()}


def _written(path: Sequence[str | int]) -> str:
    return "".join("[]" if part == LISTED else f".{part}" for part in path)[1:]


def _normal(text: str, keys: Iterable[str]) -> str | None:
    """Return the key with this path, which may have names and indexes of a stack's own."""
    text = re.sub(r"\[\d*\]", "[]", text.removeprefix("kubeadm-fleet:fleet."))
    for path in keys:
        if re.fullmatch(
            re.escape(path).replace(re.escape(NAME), r'(?:[^.\[\]]+|\["[^"]+"\])'), text
        ):
            return path
    return None


def _open_mapping(text: str, keys: Mapping[str, Key]) -> tuple[str | None, str]:
    """Return the mapping of any fields or flags that has this path, and the field in it."""
    for end in (match.start() for match in re.finditer(r"\.", text)):
        path = _normal(text[:end], keys)
        metadata = keys[path].info.metadata if path else ()
        if any(isinstance(item, OpenMapping) for item in metadata):
            return path, text[end + 1 :]
    return None, ""


def _of_open_mapping(mapping: str, field: str) -> str:
    """Return what a field of the kubelet, or a flag of a component, may have."""
    if mapping != "kubelet":
        return "a flag of the component, without its dashes, and its value as text"
    if field in kubelet_fields.OWNED:
        return f"cannot be set: {kubelet_fields.OWNED[field]}"
    kind = kubelet_fields.FIELDS.get(field)
    return kind.label if kind else "no field of KubeletConfiguration that this version knows"


def _places(path: str, keys: Iterable[str]) -> list[str]:
    """Return where the same setting can be set: fleet, overrides and clusters."""
    prefixes = {"the fleet": "", "an override": "overrides[].", "a cluster": f"clusters.{NAME}."}
    bare = path
    for prefix in prefixes.values():
        if prefix and path.startswith(prefix):
            bare = path.removeprefix(prefix)
    known = set(keys)
    return [
        f"{place} ({prefix}{bare})" for place, prefix in prefixes.items() if prefix + bare in known
    ]


def _is_child(path: str, parent: str) -> bool:
    rest = path.removeprefix(parent)
    return path != rest and re.fullmatch(r"(?:\[\]|\.<name>)?\.[A-Za-z]+", rest) is not None


def _example(key: Key) -> str:
    text = yaml.safe_dump({key.path[-1]: key.example}, default_flow_style=True, width=1000)
    return text.strip()[1:-1]


def _plain(text: str) -> str:
    """Return a text of the reference without Markdown."""
    return LINK.sub(r"\1", text).replace("`", "").removesuffix("; see below")


def _folded(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH - indent, break_long_words=False) or [""]


def _once(lines: Sequence[str]) -> list[str]:
    """Return the lines with each name in its first line only."""
    seen: set[str] = set()
    found = []
    for line in lines:
        name = line[:11]
        found.append(f"{'':11}{line[11:]}" if name in seen else line)
        seen.add(name)
    return found
