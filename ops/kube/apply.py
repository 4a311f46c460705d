"""Kubernetes objects applied, looked up and deleted by server-side apply.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

import yaml

from model.api_objects import Json
from model.well_known import KEEP_ANNOTATION
from ops.kube.client import APPLY, PROBE_RETRIES, Client, unless_missing
from ops.kube.errors import ApiError, Unavailable

FIELD_MANAGER = "kubeadm-fleet"
DEFAULT_NAMESPACE = "default"
# An object's apiVersion, kind, name and namespace.
Reference = dict[str, str]


def references(documents: str) -> list[Reference]:
    """Return a reference to each object of a YAML text, in document order."""
    return [_reference(document) for document in _objects(documents)]


def kept(documents: str) -> list[Reference]:
    """Return references to the objects of a YAML text that are not deleted with it."""
    return [
        _reference(document)
        for document in _objects(documents)
        if KEEP_ANNOTATION in document["metadata"].get("annotations", {})
    ]


def present(client: Client, documents: str) -> list[Reference]:
    """Return the objects that exist. Raises ApiError."""
    api = _Resources(client.limited(retries=PROBE_RETRIES))
    return [ref for ref in references(documents) if api.exists(ref)]


def apply(client: Client, documents: str) -> list[Reference]:
    """Apply every object in order; return references to them. Raises OperatorError.

    The API needs a moment to serve a kind that one of them defines.
    """
    api = _Resources(client)
    defined = set(_defined_kinds(documents))
    applied = []
    for document in _objects(documents):
        ref = _reference(document)
        is_new = (ref["apiVersion"].partition("/")[0], ref["kind"]) in defined
        change = partial(api.apply, ref, document)
        client.retry(f"applying {_title(ref)}", partial(_once_served, change) if is_new else change)
        applied.append(ref)
    return applied


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
    api = _Resources(client)
    for ref in reversed(refs):
        client.retry(f"deleting {_title(ref)}", partial(api.delete, ref))


class _Resources:
    """Objects by reference; each instance discovers the API path of a kind once.

    An upgraded cluster, or another one at the same address, serves other kinds.
    https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, str], Json] = {}

    def exists(self, ref: Reference) -> bool:
        return unless_missing(lambda: self._client.get(self._path(ref))) is not None

    def apply(self, ref: Reference, document: Json) -> None:
        manager = {"fieldManager": FIELD_MANAGER, "force": "true"}
        self._client.patch(self._path(ref), document, kind=APPLY, **manager)

    def delete(self, ref: Reference) -> None:
        options = {"propagationPolicy": "Background"}
        unless_missing(lambda: self._client.delete(self._path(ref), options))

    def _path(self, ref: Reference) -> str:
        found = self._resource(ref["apiVersion"], ref["kind"])
        namespace = f"/namespaces/{ref['namespace'] or DEFAULT_NAMESPACE}"
        inside = namespace if found["namespaced"] else ""
        return f"{_root(ref['apiVersion'])}{inside}/{found['name']}/{ref['name']}"

    def _resource(self, version: str, kind: str) -> Json:
        """Return the discovery entry of a kind: its plural name, `namespaced`."""
        if (version, kind) not in self._known:
            for resource in self._client.get(_root(version))["resources"]:
                if "/" not in resource["name"]:  # not a subresource, such as pods/log
                    self._known[version, resource["kind"]] = resource
        if (version, kind) not in self._known:
            raise ApiError(HTTPStatus.NOT_FOUND, f"the API serves no kind {kind} in {version}")
        return self._known[version, kind]


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _objects(documents: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(documents) if document]


def _defined_kinds(documents: str) -> Iterator[tuple[str, str]]:
    """Yield group and kind of the custom resources that the objects define."""
    for document in _objects(documents):
        if document["kind"] == "CustomResourceDefinition":
            yield document["spec"]["group"], document["spec"]["names"]["kind"]


def _reference(document: dict[str, Any]) -> Reference:
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "name": document["metadata"]["name"],
        # Empty for cluster-scoped objects: state keeps no nulls.
        "namespace": document["metadata"].get("namespace", ""),
    }


def _title(ref: Reference) -> str:
    return "/".join(filter(None, (ref["kind"], ref["namespace"], ref["name"])))
