"""Objects that a run applied: of each, only what findings need.

They have a label (model/object_drift/mark.py), by which one list for each kind has them all, and
only their metadata is requested: what was edited follows from that. Some kinds are read in the
system's namespaces alone, those of a pod network if it is there.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from model.api_objects import Json
from model.consistency import objects
from model.object_drift.kinds import KINDS, ONLY
from model.object_drift.loss import PROGRAM, Loss, lost
from model.object_drift.mark import LABEL, mark_of
from model.object_drift.owners import managers
from model.own_namespaces import CONTROL_PLANE_NAMESPACE
from ops.kube.resources import path_of
from ops.watch.collection import Collection
from ops.watch.session import Session
from ops.watch.sources import OBJECT, OBJECTS

NAMESPACE = ("v1", "Namespace")
DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class AppliedObject:
    """An object with a mark; `loss` is what is not ours any more.

    `siblings` and `number` are its mark's, `source` is the list that it is in. `written` is when
    this program last changed it.
    """

    title: str
    source: str
    siblings: str
    number: int
    written: datetime | None
    loss: Loss | None


def read(kind: str, source: str, live: Json) -> AppliedObject:
    """Reduce an object, of which the metadata is enough."""
    mark = mark_of(live)
    times = [each.time for each, _ in managers(live) if each.name == PROGRAM and each.time]
    return AppliedObject(
        title=objects.title(live, kind),
        source=source,
        siblings=mark.siblings,
        number=mark.number,
        written=max(times, default=None),
        loss=lost(live),
    )


class Objects:
    """The objects of a cluster with a mark; `changed` is called when there is something new."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session, self._changed = session, changed
        self._lists: dict[str, Collection[AppliedObject]] = {}
        self._namespaces = self._list(NAMESPACE, "", self._spread)

    def start(self) -> None:
        """List all kinds, and then watch them."""
        self._namespaces.start()
        self._follow("")
        self._follow(CONTROL_PLANE_NAMESPACE)

    @property
    def found(self) -> tuple[AppliedObject, ...]:
        """Return the objects that were read last."""
        return tuple(each for its in self._lists.values() for each in its.items.values())

    @property
    def unread(self) -> frozenset[str]:
        """Return the sources of lists that are not current, and OBJECTS if there is one."""
        unread = {source for source, its in self._lists.items() if not its.is_current}
        # A kind that was just defined is looked for again only by and by.
        defined = self._lists[OBJECT(KINDS[DEFINITION].plural)].items
        unread |= {OBJECT(KINDS[kind].plural) for kind in KINDS if self._is_late(kind, defined)}
        if not self._namespaces.is_current:
            unread |= _sources() - self._lists.keys()
        return frozenset({*unread, OBJECTS} if unread else ())

    def _is_late(self, kind: tuple[str, str], defined: Container[str]) -> bool:
        """Whether a kind is defined, and its objects could not be listed yet."""
        group, plural = kind[0].partition("/")[0], KINDS[kind].plural
        its = self._lists.get(OBJECT(plural))
        return its is not None and its.is_absent and f"/{plural}.{group}" in defined

    def _spread(self) -> None:
        """Follow what is in the namespaces of a pod network that are there."""
        for key in self._namespaces.items:
            self._follow(key.removeprefix("/"))
        self._changed()

    def _follow(self, namespace: str) -> None:
        """Follow the kinds that are read in a namespace, or ("") of the whole cluster."""
        for kind, served in KINDS.items():
            is_here = namespace in (served.namespaces or ("",))
            if is_here and _source(served.plural, namespace) not in self._lists:
                self._list(kind, namespace, self._changed).start()

    def _list(
        self, kind: tuple[str, str], namespace: str, changed: Callable[[], None]
    ) -> Collection[AppliedObject]:
        (version, name), plural = kind, KINDS[kind].plural
        source, path = _source(plural, namespace), path_of(version, plural, namespace)
        query = {"labelSelector": LABEL}
        if namespace in ONLY:
            query["fieldSelector"] = f"metadata.name={ONLY[namespace]}"
        reduce = partial(read, name, source)
        self._lists[source] = made = Collection(
            self._session,
            path,
            reduce,
            changed,
            metadata_only=True,
            may_be_refused=True,
            **query,
        )
        return made


def _source(plural: str, namespace: str) -> str:
    return OBJECT(f"{namespace}/{plural}" if namespace else plural)


def _sources() -> set[str]:
    return {
        _source(served.plural, namespace)
        for served in KINDS.values()
        for namespace in served.namespaces or ("",)
    }
