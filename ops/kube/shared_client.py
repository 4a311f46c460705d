"""The client of several readers of one cluster: a list that more than one wants is read once."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar

from model.api_objects import Json
from ops.kube.access import Access
from ops.kube.client import SMALL_PAGE, Client

T = TypeVar("T")
# A list by its path and its label selector ("": none).
List = tuple[str, str]
SELECTOR = "labelSelector"


class SharedClient(Client):
    """A client whose readers say before how many of them want a list.

    The first one to ask reads it, and the others wait. What nobody reads of an object, and takes
    most of it, is dropped: images of Nodes, and which fields a manager owns. The rest is kept
    until all readers have it. An error is the answer to all of them.
    """

    def __init__(self, access: Access, readers: Mapping[List, int], *, retries: int) -> None:
        super().__init__(access, retries=retries)
        self._lists = {each: _SharedList(count) for each, count in readers.items()}

    def reduced(
        self, path: str, reduce: Callable[[Json], T], *, limit: int = SMALL_PAGE, **query: Any
    ) -> list[T]:
        """Return what `reduce` makes of each item; it must not change the item."""
        shared = self._lists.get((path, query.get(SELECTOR, "")))
        if shared is None or query.keys() - {SELECTOR}:
            return super().reduced(path, reduce, limit=limit, **query)
        read = super().reduced
        return list(map(reduce, shared.take(lambda: read(path, slim, limit=limit, **query))))


class _SharedList:
    """The items of a list, until so many have taken them."""

    def __init__(self, readers: int) -> None:
        self._left = readers
        self._lock = Lock()
        self._items: list[Json] | None = None
        self._error: Exception | None = None

    def take(self, read: Callable[[], list[Json]]) -> list[Json]:
        with self._lock:
            if self._items is None and self._error is None:
                try:
                    self._items = read()
                except Exception as error:
                    self._error = error
            self._left -= 1
            found, reason = self._items, self._error
            if self._left <= 0:
                # Whoever asks once more reads it again.
                self._items = self._error = None
        if reason is not None:
            raise reason
        assert found is not None
        return found


def slim(entry: Json) -> Json:
    """Return an object without what takes most of it."""
    for manager in entry["metadata"].get("managedFields") or ():
        manager.pop("fieldsV1", None)
    (entry.get("status") or {}).pop("images", None)
    return entry
