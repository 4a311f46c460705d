"""Kubernetes objects of one purpose, kept in a cluster by server-side apply.

Create and update apply every document; update also deletes the objects that are no longer named,
except for those with an annotation that says so.
Read records missing and edited objects, so that the next `up` after a `refresh` applies them again;
while the API is unavailable it records nothing. Fields that others add stay theirs. A cluster that
was initialized again, which `init` shows, has none of the objects: they are applied again. Delete
removes them, newest first.

While an earlier wave holds the cluster, changed documents wait as its rollout does: check keeps
those that were applied last, and update records `waiting`. Objects that are missing are restored
meanwhile, from what was applied last. A cluster that was just initialized does not wait.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import DiffResult
from pulumi.runtime.rpc import contains_unknowns

from components.providers import hold
from components.providers.base import ProvidedResource, Provider, changed
from components.providers.engine_log import EngineLog, own_urn
from components.providers.hold import Hold
from model.cni.plugins import CHANGES
from ops.errors import OperatorError
from ops.kube import applied, apply
from ops.kube.apply import Reference
from ops.kube.errors import ApiError, Unavailable
from ops.kube.identity import Identity, connect

CAUSES = ("documents", "identity", "init")


class PodNetwork(TypedDict):
    """What connects a cluster's pods (model/cni/plugins.py), which objects alone cannot change.

    `network` and `policies` are the values of `network` and `networkPolicy` that it follows from.
    """

    cluster: str
    connects: str
    network: NotRequired[str]
    policies: str


class ManifestsInputs(TypedDict):
    """The objects as the provider gets them; `check` adds `waiting`."""

    urn: str
    identity: Identity
    documents: str
    init: str
    held_by: list[Hold]
    waiting: Hold
    pod_network: NotRequired[PodNetwork]


class ManifestsState(ManifestsInputs):
    """The objects as they were applied; `changed` is the time of the last update, "" if none.

    `edited` has a line for each object that somebody edited since; states of earlier versions have
    none.
    """

    applied: list[Reference]
    changed: str
    edited: NotRequired[list[str]]


class ManifestsProvider(Provider[ManifestsInputs, ManifestsState]):
    """Applies documents to a cluster."""

    def _check(self, olds: ManifestsInputs, news: ManifestsInputs) -> ManifestsInputs:
        """Keep the documents that were applied last while a change of them is held."""
        waits = olds and olds["init"] == news["init"] and olds["documents"] != news["documents"]
        waiting: Hold = hold.strongest(news["held_by"]) if waits else {}
        documents = olds["documents"] if waiting else news["documents"]
        return {**news, "documents": documents, "waiting": waiting}

    def _create(self, inputs: ManifestsInputs) -> ManifestsState:
        """Apply every document in order."""
        return {**inputs, "applied": _apply(inputs), "changed": "", "edited": []}

    def _diff(self, olds: ManifestsState, news: ManifestsInputs) -> DiffResult:
        """Apply again when a document or the access changed, or an object was found missing."""
        _reject_other_network(olds, news)
        waiting = news["waiting"]
        if hold.is_stopped(waiting):
            return DiffResult(changes=_is_due(olds, news))
        if waiting:
            EngineLog(news["urn"])(f"{hold.heading(waiting)} its objects", ephemeral=False)
        for line in olds.get("edited", []):
            EngineLog(news["urn"])(f"repaired because {line}", ephemeral=False)
        return DiffResult(changes=bool(waiting or olds["waiting"]) or _is_due(olds, news))

    def _update(self, olds: ManifestsState, news: ManifestsInputs) -> ManifestsState:
        """Apply the desired objects and delete those no longer wanted."""
        if not _is_due(olds, news):
            return {**olds, **news}
        found = _apply(news)
        kube = connect(news["identity"])
        apply.remove(kube, [ref for ref in _removable(olds) if ref not in found])
        apply.release(kube, [ref for ref in _kept(olds) if ref not in found])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {**news, "applied": found, "changed": now, "edited": []}

    def _read(self, state: ManifestsState) -> ManifestsState:
        """Return the objects that exist, and what was edited of them."""
        kube = connect(state["identity"])
        try:
            found = applied.read(kube, state["documents"])
        except Unavailable:
            return state
        except ApiError as error:
            raise kube.explain("reading the objects", error) from None
        return {**state, "applied": found.present, "edited": found.edited}

    def _delete(self, state: ManifestsState) -> None:
        """Delete every object that was applied and is not to be kept."""
        kube = connect(state["identity"])
        apply.remove(kube, _removable(state))
        apply.release(kube, _kept(state))


def _reject_other_network(olds: ManifestsState, news: ManifestsInputs) -> None:
    """Raise OperatorError if Nodes that run pods would get a CNI plugin that no rollout brings."""
    wanted = news.get("pod_network")
    if wanted is None or contains_unknowns(wanted):
        return
    # States of earlier versions do not say: there was only one.
    first: PodNetwork = {**wanted, "connects": "flannel", "network": "flannel", "policies": "none"}
    found = olds.get("pod_network", first)
    change = found["connects"], wanted["connects"]
    if change[0] == change[1]:
        return
    cluster = wanted["cluster"]
    if change in CHANGES:
        EngineLog(news["urn"])(
            f"the pods of {cluster} are to be connected by {change[1]}: the rollout drains each "
            "Node and replaces the rest of its pods, which NetworkPolicy objects restrict from "
            "then on; until then a Node's pods are as before",
            ephemeral=False,
        )
        return
    values = (
        ("network", found.get("network", "flannel"), wanted.get("network", "flannel")),
        ("networking.networkPolicy", found["policies"], wanted["policies"]),
    )
    revert = " and ".join(
        f"clusters.{cluster}.{setting} to {was}" for setting, was, now in values if was != now
    )
    raise OperatorError(
        f"the pods of {cluster} are connected by {found['connects']}, and the config says "
        f"{wanted['connects']}: a running cluster cannot be changed, since each of its pods "
        f"would have to be connected again. Nothing was changed: set {revert}. The way to the "
        "other one is docs/runbooks/another-network.md: a second cluster that has it from the "
        "start, to which what runs here moves Node by Node"
    )


def _is_due(olds: ManifestsState, news: ManifestsInputs) -> bool:
    """Whether there is something to apply: a change that does not wait, or an object to repair."""
    if changed(olds, news, CAUSES) or olds.get("edited"):
        return True
    return olds["applied"] != apply.references(news["documents"])


def _removable(state: ManifestsState) -> list[Reference]:
    kept = _kept(state)
    return [ref for ref in state["applied"] if ref not in kept]


def _kept(state: ManifestsState) -> list[Reference]:
    kept = apply.kept(state["documents"])
    return [ref for ref in state["applied"] if ref in kept]


def _apply(inputs: ManifestsInputs) -> list[Reference]:
    return apply.apply(connect(inputs["identity"]), inputs["documents"])


@dataclass(frozen=True)
class ManifestsArgs:
    """Objects as YAML `documents`; `init` is the ID of the cluster's initialization.

    `held_by` are the holds of earlier waves; `pod_network` says what the objects connect pods by,
    if it is they that do.
    """

    identity: pulumi.Input[Identity]
    documents: pulumi.Input[str]
    init: pulumi.Input[str]
    held_by: list[pulumi.Output[Hold]]
    pod_network: PodNetwork | None = None


class Manifests(ProvidedResource, module="kubeadm-fleet", name="Manifests"):
    """Objects in a cluster: `applied` (references of what exists), `changed` (the last update).

    `waiting` is the hold of an earlier wave that a change waits for; empty if none.
    """

    applied: pulumi.Output[list[Reference]]
    changed: pulumi.Output[str]
    waiting: pulumi.Output[Hold]

    def __init__(self, name: str, args: ManifestsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(ManifestsProvider(), name, args, opts, urn=own_urn(Manifests, name, opts))
