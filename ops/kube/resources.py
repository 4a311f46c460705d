"""Objects of a cluster by reference, of whatever kind."""

from collections.abc import Mapping
from http import HTTPStatus

from model.api_objects import Json
from ops.kube.client import APPLY, MERGE, Client, unless_missing
from ops.kube.errors import ApiError

FIELD_MANAGER = "kubeadm-fleet"
DEFAULT_NAMESPACE = "default"
# An object's apiVersion, kind, name and namespace.
Reference = dict[str, str]


class Resources:
    """Objects by reference; each instance discovers the API path of a kind once.

    An upgraded cluster, or another one at the same address, serves other kinds.
    https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[tuple[str, str], Json] = {}

    def find(self, ref: Reference) -> Json | None:
        """Return an object; None if there is none, or no such kind."""
        return unless_missing(lambda: self._client.get(self._path(ref)))

    def apply(self, ref: Reference, document: Json) -> Json:
        """Apply a document, take every field of it from whoever has it, and return the object."""
        manager = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._client.patch(self._path(ref), document, kind=APPLY, **manager)

    def label(self, ref: Reference, labels: Mapping[str, str | None]) -> None:
        """Set labels of an object, which applying it leaves; None removes one."""
        body = {"metadata": {"labels": {**labels}}}
        self._client.patch(self._path(ref), body, kind=MERGE, fieldManager=FIELD_MANAGER)

    def delete(self, ref: Reference) -> None:
        """Delete an object; a missing one is ignored."""
        options = {"propagationPolicy": "Background"}
        unless_missing(lambda: self._client.delete(self._path(ref), options))

    def _path(self, ref: Reference) -> str:
        found = self._resource(ref["apiVersion"], ref["kind"])
        namespace = ref["namespace"] or DEFAULT_NAMESPACE if found["namespaced"] else ""
        return path_of(ref["apiVersion"], found["name"], namespace, ref["name"])

    def _resource(self, version: str, kind: str) -> Json:
        """Return the discovery entry of a kind: its plural name, `namespaced`."""
        if (version, kind) not in self._known:
            for resource in self._client.get(root(version))["resources"]:
                if "/" not in resource["name"]:  # not a subresource, such as pods/log
                    self._known[version, resource["kind"]] = resource
        if (version, kind) not in self._known:
            raise ApiError(HTTPStatus.NOT_FOUND, f"the API serves no kind {kind} in {version}")
        return self._known[version, kind]


def root(version: str) -> str:
    """Return the path of an apiVersion."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def path_of(version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """Return the path of an object, or of a list: without a name, or of all namespaces."""
    inside = ("namespaces", namespace) if namespace else ()
    return "/".join(filter(None, (root(version), *inside, plural, name)))


def reference(document: Json) -> Reference:
    """Return what an object is known by."""
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "name": document["metadata"]["name"],
        # Empty for cluster-scoped objects: state keeps no nulls.
        "namespace": document["metadata"].get("namespace", ""),
    }
