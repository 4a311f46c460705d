"""Kubernetes objects of one purpose, kept in a cluster by server-side apply.

Create and update apply every document; update also deletes the objects that are no longer named.
Read records missing objects, so that the next `up` after a `refresh` applies them again; while the
API is unavailable it records nothing. A cluster that was initialized again, which `init`
shows, has none of the objects: they are applied again. Delete removes them, newest first.
"""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed
from ops.kube import apply, client
from ops.kube.apply import Reference
from ops.kube.errors import ApiError, Unavailable

CAUSES = ("documents", "kubeconfig", "init")


class ManifestsInputs(TypedDict):
    """The objects as the provider gets them."""

    kubeconfig: str
    documents: str
    init: str


class ManifestsState(ManifestsInputs):
    """The objects as they were applied."""

    applied: list[Reference]


class ManifestsProvider(Provider[ManifestsInputs, ManifestsState]):
    """Applies documents to a cluster."""

    def _create(self, inputs: ManifestsInputs) -> ManifestsState:
        """Apply every document in order."""
        return {**inputs, "applied": _apply(inputs)}

    def _diff(self, olds: ManifestsState, news: ManifestsInputs) -> DiffResult:
        """Apply again when a document or the access changed, or an object was found missing."""
        if changed(olds, news, CAUSES):
            return DiffResult(changes=True)
        return DiffResult(changes=olds["applied"] != apply.references(news["documents"]))

    def _update(self, olds: ManifestsState, news: ManifestsInputs) -> ManifestsState:
        """Apply the desired objects and delete those no longer wanted."""
        applied = _apply(news)
        kube = client.of(news["kubeconfig"])
        apply.remove(kube, [ref for ref in olds["applied"] if ref not in applied])
        return {**news, "applied": applied}

    def _read(self, state: ManifestsState) -> ManifestsState:
        """Return the objects that exist."""
        kube = client.of(state["kubeconfig"])
        try:
            found = apply.present(kube, state["documents"])
        except Unavailable:
            return state
        except ApiError as error:
            raise kube.explain("reading the objects", error) from None
        return {**state, "applied": found}

    def _delete(self, state: ManifestsState) -> None:
        """Delete every object that was applied."""
        apply.remove(client.of(state["kubeconfig"]), state["applied"])


def _apply(inputs: ManifestsInputs) -> list[Reference]:
    return apply.apply(client.of(inputs["kubeconfig"]), inputs["documents"])


@dataclass(frozen=True)
class ManifestsArgs:
    """Objects as YAML `documents`; `init` is the ID of the cluster's initialization."""

    kubeconfig: pulumi.Input[str]
    documents: pulumi.Input[str]
    init: pulumi.Input[str]


class Manifests(ProvidedResource, module="kubeadm-fleet", name="Manifests"):
    """Objects in a cluster: `applied` (references of what exists)."""

    applied: pulumi.Output[list[Reference]]

    def __init__(
        self, name: str, args: ManifestsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        secret = pulumi.Output.secret(args.kubeconfig)
        super().__init__(ManifestsProvider(), name, args, opts, kubeconfig=secret)
