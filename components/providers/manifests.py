"""Kubernetes objects of one purpose, kept in a cluster by server-side apply.

Create and update apply every document; update also deletes the objects that are no longer named.
Read keeps note of what is missing, so that the next `up` after a `refresh` applies again; an API
that is away says nothing of that. A cluster that was founded anew, which `foundation` tells, has
none of the objects: they are applied again. Delete removes them, newest first.
"""

from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pulumi
import yaml
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.kube import api

FIELD_MANAGER = "kubeadm-fleet"
CAUSES = ("documents", "kubeconfig", "init")
Reference = dict[str, str]


class ManifestsProvider(Provider):
    """Applies documents to a cluster."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply every document in its order."""
        return CreateResult(id_=uuid4().hex, outs={**props, "applied": _apply(props)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Apply again when a document or the access changed, or an object was found missing."""
        if any(olds[key] != news[key] for key in CAUSES):
            return DiffResult(changes=True)
        wanted = [_reference(document) for document in _objects(news["documents"])]
        return DiffResult(changes=olds["applied"] != wanted)

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Apply what is wanted now and delete what no longer is."""
        applied = _apply(news)
        _remove(news["kubeconfig"], [ref for ref in olds["applied"] if ref not in applied])
        return UpdateResult(outs={**news, "applied": applied})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return which of the objects exist."""
        try:
            return ReadResult(id_=id_, outs={**props, "applied": _present(props)})
        except Exception as error:
            if api.is_unavailable(error):
                return ReadResult(id_=id_, outs=props)
            raise api.explain(error, "reading the objects", props["kubeconfig"]) from None

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Delete every object that was applied."""
        _remove(props["kubeconfig"], props["applied"])


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


def _present(props: dict[str, Any]) -> list[Reference]:
    dynamic = _dynamic(props["kubeconfig"], api.PROBE_RETRIES)
    from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

    present = []
    for ref in (_reference(document) for document in _objects(props["documents"])):
        with suppress(NotFoundError, ResourceNotFoundError):
            _resource(dynamic, ref).get(name=ref["name"], namespace=ref["namespace"] or None)
            present.append(ref)
    return present


def _resource(dynamic: Any, ref: Reference) -> Any:
    return dynamic.resources.get(api_version=ref["apiVersion"], kind=ref["kind"])


def _apply(props: dict[str, Any]) -> list[Reference]:
    dynamic = _changing(props["kubeconfig"])
    applied = []
    for document in _objects(props["documents"]):
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
            raise api.explain(error, f"applying {_title(ref)}", props["kubeconfig"]) from None
        applied.append(ref)
    return applied


def _remove(kubeconfig: str, refs: list[Reference]) -> None:
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


class Manifests(Resource, module="kubeadm-fleet", name="Manifests"):
    """Objects in a cluster: `documents` (YAML text), `applied` (references of what exists)."""

    documents: pulumi.Output[str]
    applied: pulumi.Output[list[Reference]]

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        documents: pulumi.Input[str],
        init: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            ManifestsProvider(),
            name,
            {
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "documents": documents,
                "init": init,
                "applied": None,
            },
            opts,
        )
