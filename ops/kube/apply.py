"""Kubernetes objects applied, looked up and deleted by server-side apply.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

from model.api_objects import Json
from model.object_drift.loss import completed
from model.object_drift.mark import LABEL, Mark, is_kept, mark_of, marks
from model.render.objects import parsed
from ops.kube.client import Client, unless_missing
from ops.kube.errors import ApiError, Unavailable
from ops.kube.resources import FIELD_MANAGER as FIELD_MANAGER
from ops.kube.resources import Reference as Reference
from ops.kube.resources import Resources, reference


def references(documents: str) -> list[Reference]:
    """Return a reference to each object of a YAML text, in document order."""
    return [reference(document) for document in parsed(documents)]


def kept(documents: str) -> list[Reference]:
    """Return references to the objects of a YAML text that are not deleted with it."""
    return [reference(document) for document in parsed(documents) if is_kept(document)]


def apply(client: Client, documents: str, *, mark: bool = True) -> list[Reference]:
    """Apply every object in order; return references to them. Raises OperatorError.

    The API needs a moment to serve a kind that one of them defines. `mark`: with a label that says
    what was applied.
    """
    api = Resources(client)
    defined = set(_defined_kinds(documents))
    applied = []
    every = parsed(documents)
    for document, its in zip(every, marks(every), strict=True):
        ref = reference(document)
        is_new = (ref["apiVersion"].partition("/")[0], ref["kind"]) in defined
        change = partial(_apply, api, ref, document, its if mark else None)
        client.retry(f"applying {_title(ref)}", partial(_once_served, change) if is_new else change)
        applied.append(ref)
    return applied


def apply_as(client: Client, document: Json, mark: Mark) -> None:
    """Apply an object with a mark that does not follow from the document. Raises OperatorError."""
    ref, api = reference(document), Resources(client)
    client.retry(f"applying {_title(ref)}", partial(_apply, api, ref, document, mark))


def _apply(api: Resources, ref: Reference, document: Json, mark: Mark | None) -> None:
    """Apply an object, and then say in its label what was applied, unless that is known.

    The label is no part of what is applied: which fields are ours is known afterwards, and an
    object that nobody touched is written once, not twice.
    """
    answer = api.apply(ref, document)
    if mark is None:
        return
    whole = completed(mark, answer)
    if mark_of(answer) != whole:
        api.label(ref, {LABEL: str(whole)})


def _once_served(change: Callable[[], None]) -> None:
    """Apply an object of a kind that was just defined; raise Unavailable until it is served."""
    try:
        change()
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise Unavailable(error.status, error.message, error.details) from None
        raise


def remove(client: Client, refs: list[Reference]) -> None:
    """Delete the objects, the last first; missing ones are ignored. Raises OperatorError."""
    api = Resources(client)
    for ref in reversed(refs):
        client.retry(f"deleting {_title(ref)}", partial(api.delete, ref))


def release(client: Client, refs: list[Reference]) -> None:
    """Take the marks of objects that stay and are not applied any more. Raises OperatorError.

    What somebody makes of them is not repaired, and so is no edit.
    """
    api = Resources(client)
    for ref in refs:
        change = partial(api.label, ref, {LABEL: None})
        client.retry(f"releasing {_title(ref)}", partial(unless_missing, change))


def _defined_kinds(documents: str) -> Iterator[tuple[str, str]]:
    """Yield group and kind of the custom resources that the objects define."""
    for document in parsed(documents):
        if document["kind"] == "CustomResourceDefinition":
            yield document["spec"]["group"], document["spec"]["names"]["kind"]


def _title(ref: Reference) -> str:
    return "/".join(filter(None, (ref["kind"], ref["namespace"], ref["name"])))
