"""Kubernetes objects applied to a cluster by server-side apply, looked up in it and deleted.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from ops.kube import api

FIELD_MANAGER = "kubeadm-fleet"
# An object's apiVersion, kind, name and namespace.
Reference = dict[str, str]


def references(documents: str) -> list[Reference]:
    """Return a reference to each object of a YAML text, in its order."""
    return [_reference(document) for document in _objects(documents)]


def _objects(documents: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(documents) if document]


def _reference(document: dict[str, Any]) -> Reference:
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "name": document["metadata"]["name"],
        # Empty for what belongs to the whole cluster: state keeps no nulls.
        "namespace": document["metadata"].get("namespace", ""),
    }


def _title(ref: Reference) -> str:
    return "/".join(filter(None, (ref["kind"], ref["namespace"], ref["name"])))


def _dynamic(kubeconfig: str, retries: int = api.RETRIES) -> Any:
    api.load()
    from kubernetes.dynamic import DynamicClient

    # The client keeps what the API serves in a file, by default one for ever in the shared
    # temporary folder, which would be wrong after an upgrade and anybody's to write before.
    with TemporaryDirectory() as folder:
        return DynamicClient(
            api.client(kubeconfig, retries=retries), cache_file=f"{folder}/discovery.json"
        )


def _changing(kubeconfig: str) -> Any:
    try:
        return _dynamic(kubeconfig)
    except Exception as error:
        raise api.explain(error, "reading the API's resources", kubeconfig) from None


def present(kubeconfig: str, documents: str) -> list[Reference]:
    """Return which of the objects exist; raises whatever the API client raises."""
    dynamic = _dynamic(kubeconfig, api.PROBE_RETRIES)
    from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

    found = []
    for ref in references(documents):
        with suppress(NotFoundError, ResourceNotFoundError):
            _resource(dynamic, ref).get(name=ref["name"], namespace=ref["namespace"] or None)
            found.append(ref)
    return found


def _resource(dynamic: Any, ref: Reference) -> Any:
    return dynamic.resources.get(api_version=ref["apiVersion"], kind=ref["kind"])


def apply(kubeconfig: str, documents: str) -> list[Reference]:
    """Apply every object in its order; return references to them. Raises OperatorError."""
    dynamic = _changing(kubeconfig)
    applied = []
    for document in _objects(documents):
        ref = _reference(document)
        try:
            _resource(dynamic, ref).server_side_apply(
                body=document,
                name=ref["name"],
                namespace=ref["namespace"] or None,
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
            )
        except Exception as error:
            raise api.explain(error, f"applying {_title(ref)}", kubeconfig) from None
        applied.append(ref)
    return applied


def remove(kubeconfig: str, refs: list[Reference]) -> None:
    """Delete the objects, the last first; a missing one is fine. Raises OperatorError."""
    api.load()
    from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

    if not refs:
        return
    dynamic = _changing(kubeconfig)
    for ref in reversed(refs):
        try:
            _resource(dynamic, ref).delete(
                name=ref["name"],
                namespace=ref["namespace"] or None,
                body={"propagationPolicy": "Background"},
            )
        except (NotFoundError, ResourceNotFoundError):
            continue
        except Exception as error:
            raise api.explain(error, f"deleting {_title(ref)}", kubeconfig) from None
