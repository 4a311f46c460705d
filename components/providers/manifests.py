"""Kubernetes objects of one purpose, kept in a cluster by server-side apply.

Create and update apply every document; update also deletes the objects that are no longer named.
Read records missing objects, so that the next `up` after a `refresh` applies them again; while the
API is unavailable it records nothing. A cluster that was initialized again, which `init`
shows, has none of the objects: they are applied again. Delete removes them, newest first.
"""

from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.base import Provider
from ops.kube import apply, client
from ops.kube.apply import Reference
from ops.kube.errors import ApiError, Unavailable

CAUSES = ("documents", "kubeconfig", "init")


class ManifestsProvider(Provider):
    """Applies documents to a cluster."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply every document in order."""
        return CreateResult(id_=uuid4().hex, outs={**props, "applied": _apply(props)})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Apply again when a document or the access changed, or an object was found missing."""
        if any(olds[key] != news[key] for key in CAUSES):
            return DiffResult(changes=True)
        return DiffResult(changes=olds["applied"] != apply.references(news["documents"]))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Apply the desired objects and delete those no longer wanted."""
        applied = _apply(news)
        kube = client.of(news["kubeconfig"])
        apply.remove(kube, [ref for ref in olds["applied"] if ref not in applied])
        return UpdateResult(outs={**news, "applied": applied})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the objects that exist."""
        kube = client.of(props["kubeconfig"])
        try:
            found = apply.present(kube, props["documents"])
        except Unavailable:
            return ReadResult(id_=id_, outs=props)
        except ApiError as error:
            raise kube.explain("reading the objects", error) from None
        return ReadResult(id_=id_, outs={**props, "applied": found})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Delete every object that was applied."""
        apply.remove(client.of(props["kubeconfig"]), props["applied"])


def _apply(props: dict[str, Any]) -> list[Reference]:
    return apply.apply(client.of(props["kubeconfig"]), props["documents"])


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
