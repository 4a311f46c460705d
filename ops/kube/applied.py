"""Objects that were applied, as a cluster has them now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from model.api_objects import Json
from model.object_drift.judgement import State, judged
from model.object_drift.mark import LABEL, Mark, is_kept, mark_of, marks
from model.object_drift.text import sentence
from model.object_drift.titles import title
from model.render.objects import parsed
from ops.kube.client import PROBE_RETRIES, Client
from ops.kube.resources import Reference, Resources, reference


@dataclass(frozen=True)
class Applied:
    """The objects that exist, and a line for each of them that somebody edited."""

    present: list[Reference]
    edited: list[str]


def read(client: Client, documents: str) -> Applied:
    """Read the objects of a YAML text that was applied. Raises ApiError.

    What others added, and what the cluster's admission changes of what is applied, is no edit:
    applying it again would change nothing.
    """
    api = Resources(client.limited(retries=PROBE_RETRIES))
    every = parsed(documents)
    found = [_Found(each, mark, api.find(reference(each))) for each, mark in _marked(every)]
    there = [each for each in found if each.live is not None]
    # The marks of earlier versions do not say how many siblings there are.
    is_marked = any(each.has_its_mark for each in there)
    return Applied(
        [reference(each.document) for each in there],
        [f"{title(each.document)}: {line}" for each in there for line in each.edits(is_marked)],
    )


def _marked(documents: Sequence[Json]) -> Iterator[tuple[Json, Mark]]:
    return zip(documents, marks(documents), strict=True)


@dataclass(frozen=True)
class _Found:
    """A document that was applied, with its mark, and what became of it; None if it is gone."""

    document: Json
    mark: Mark
    live: Json | None

    @property
    def has_its_mark(self) -> bool:
        """Whether it says that this document was applied."""
        return self.live is not None and replace(mark_of(self.live), fields="") == self.mark

    def edits(self, is_marked: bool) -> list[str]:
        """Return what was edited; `is_marked`: others that were applied with it have a mark."""
        drifts = judged(self.document, None, self.live or {})
        edited = [sentence(each) for each in drifts if each.state is State.EDITED]
        # What is kept may be applied with others as well.
        is_label = is_marked and not self.has_its_mark and not is_kept(self.document)
        return edited or ([f"its label {LABEL} was changed"] if is_label else [])
