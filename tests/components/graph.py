"""A queryable graph of the resources that a program registered."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

DYNAMIC = "pulumi-python:dynamic/kubeadm-fleet:"


@dataclass
class RecordedResource:
    """One resource; `inputs` are plain, `visible` is their JSON with the secret ones hidden.

    `given` are the other inputs, which are for one run and never in the state.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    dependencies: frozenset[str]
    inputs: dict[str, Any]
    given: dict[str, Any]
    secret_inputs: frozenset[str]
    visible: str
    secret_outputs: frozenset[str]
    protect: bool
    deleted_with: str
    stack: tuple[str, ...]
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The type without the part that every resource of this program shares."""
        return self.type.removeprefix(DYNAMIC).removeprefix("kubeadm-fleet:")

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class Graph:
    """All resources, in the order of their registration, and the stack's outputs.

    `registered` are the outputs that components registered, by their names.
    """

    def __init__(self) -> None:
        self.by_urn: dict[str, RecordedResource] = {}
        self.registered: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, Any] = {}
        self.secret_outputs: set[str] = set()
        self.refusal: str | None = None

    def add(self, registered: RecordedResource) -> None:
        """Note one more; two of the same type and name would be one to the engine."""
        assert registered.urn not in self.by_urn, f"{registered} is registered twice"
        self.by_urn[registered.urn] = registered

    def __iter__(self) -> Iterator[RecordedResource]:
        return iter(self.by_urn.values())

    def one(self, name: str, kind: str | None = None) -> RecordedResource:
        """Return the resource of this name that is no component, or the one of `kind`."""
        found = [
            each
            for each in self
            if each.name == name and (each.kind == kind if kind else each.custom)
        ]
        assert len(found) == 1, f"{name} ({kind or 'no component'}): {[str(e) for e in found]}"
        return found[0]

    def kinds(self, kind: str) -> list[RecordedResource]:
        """Return every resource of this kind."""
        return [each for each in self if each.kind == kind]

    @property
    def customs(self) -> list[RecordedResource]:
        """Every resource that is no component."""
        return [each for each in self if each.custom]

    def children(self, of: RecordedResource) -> list[RecordedResource]:
        """Return the resources right below one."""
        return [each for each in self if each.parent == of.urn]

    def above(self, of: RecordedResource) -> list[RecordedResource]:
        """Return the components that a resource is part of, innermost first."""
        parent = self.by_urn.get(of.parent)
        return [parent, *self.above(parent)] if parent else []

    def awaits(self, one: str, other: str) -> bool:
        """Whether the resource named `one` starts only after the one named `other` is done."""
        return self.one(other).urn in self._awaited[self.one(one).urn]

    def awaited(self, by: RecordedResource) -> set[str]:
        """Return names of everything that is done before a resource starts."""
        return {self.by_urn[urn].name for urn in self._awaited[by.urn] if urn in self.by_urn}

    @cached_property
    def _awaited(self) -> dict[str, frozenset[str]]:
        # A resource is registered after everything that it depends on, and after its parent: what
        # a component waits for, its children wait for.
        awaited: dict[str, frozenset[str]] = {}
        for each in self:
            sources = [urn for urn in (*each.dependencies, each.parent) if urn in awaited]
            awaited[each.urn] = each.dependencies.union(*(awaited[urn] for urn in sources))
        return awaited

    def changed_from(self, before: "Graph") -> set[str]:
        """Return names of the resources that are new or have other inputs than before."""
        return {
            each.name
            for each in self.customs
            if (known := before.by_urn.get(each.urn)) is None or known.inputs != each.inputs
        }

    def tree(self) -> str:
        """Return the resources as an indented tree, children by name."""
        return "".join(f"{line}\n" for line in self._lines("", 0))

    def _lines(self, parent: str, depth: int) -> Iterator[str]:
        for each in sorted(self, key=lambda one: (one.name, not one.custom)):
            if each.parent == parent or (not depth and each.parent not in self.by_urn):
                yield f"{'  ' * depth}{each}"
                yield from self._lines(each.urn, depth + 1)
