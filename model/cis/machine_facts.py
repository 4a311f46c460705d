"""Facts of one machine, from what scripts/node/cis_facts.sh prints."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from model.api_objects import Object
from model.cis.flags import Flags

LAST_LINE = "complete"


class NotKnown(Exception):
    """A fact that could not be read: the message says which, and why."""


@dataclass(frozen=True)
class File:
    """Mode, `owner:group` and kind (`f` for a file, `d` for a folder) of a file."""

    mode: int
    owner: str
    kind: str


@dataclass(frozen=True)
class Document:
    """A file that a component's flag names, as YAML; `text` is None if it cannot be read."""

    component: str
    flag: str
    path: str
    text: str | None

    def parsed(self) -> Object:
        """Return its content; raises NotKnown unless it is a mapping."""
        try:
            content = yaml.safe_load(self.text or "")
        except yaml.YAMLError:
            content = None
        if not isinstance(content, dict):
            raise NotKnown(f"{self.path} of {self.component} cannot be read")
        return content


@dataclass(frozen=True)
class MachineFacts:
    """What one machine printed."""

    is_control_plane: bool
    files: Mapping[str, File] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    processes: Mapping[str, tuple[Flags, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()
    # The words of the encryption config: `providers`, and each provider's name.
    providers: tuple[str, ...] = ()
    digests: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def component(self, name: str) -> tuple[Flags, ...]:
        """Return the flags of a running component; raises NotKnown if none of the name runs."""
        if name not in self.processes:
            raise NotKnown(f"{name} does not run")
        return self.processes[name]

    def below(self, folder: str, *endings: str) -> list[str]:
        """Return the paths below a folder; if endings are given, of files with one of these."""
        return sorted(
            path
            for path, file in self.files.items()
            if path.startswith(f"{folder}/")
            and (path.endswith(endings) and file.kind == "f" if endings else True)
        )

    def document(self, component: str, flag: str) -> Object | None:
        """Return the document that a flag names; None if the flag is not set; raises NotKnown."""
        found = [
            each for each in self.documents if (each.component, each.flag) == (component, flag)
        ]
        return found[-1].parsed() if found else None

    def kubelet_config(self) -> Object:
        """Return the kubelet's config with what is merged into it; raises NotKnown."""
        merged: dict[str, Any] = {}
        for document in self.documents:
            if document.component == "kubelet":
                _merge(merged, document.parsed())
        return merged


def parse(lines: Sequence[str], *, is_control_plane: bool) -> MachineFacts:
    """Return the facts of a machine; raises NotKnown if the response is incomplete."""
    if LAST_LINE not in lines[-1:]:
        raise NotKnown("its response was incomplete")
    try:
        return _parsed(lines, is_control_plane=is_control_plane)
    except ValueError as error:
        raise NotKnown(f"its response is malformed: {error}") from None


def _parsed(lines: Sequence[str], *, is_control_plane: bool) -> MachineFacts:
    fields = [line.split("\t") for line in lines]

    def of(kind: str) -> Iterable[list[str]]:
        return (each[1:] for each in fields if each[0] == kind)

    processes: dict[str, tuple[Flags, ...]] = {}
    for name, arguments in of("process"):
        processes[name] = (*processes.get(name, ()), Flags.parse(_decoded(arguments).split("\0")))
    return MachineFacts(
        is_control_plane=is_control_plane,
        files={
            "\t".join(path): File(int(mode, 8), owner, kind)
            for mode, owner, kind, *path in of("path")
        },
        units=tuple(path for (path,) in of("unit")),
        processes=processes,
        variables=dict(setting.partition("=")[::2] for _, setting in of("variable")),
        documents=tuple(
            Document(name, flag, path, _decoded(text) if text else None)
            for name, flag, path, text in of("document")
        ),
        providers=tuple(word for (word,) in of("provider")),
        digests={(name, flag): digest for name, flag, digest in of("digest")},
    )


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode(errors="replace")


def _merge(into: dict[str, Any], other: Object) -> None:
    """Merge a document into another one as the kubelet does: mappings by key, else replaced."""
    for key, value in other.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            into[key] = dict(present)
            _merge(into[key], value)
        else:
            into[key] = value
