"""Cluster objects that every cluster of the fleet gets besides its pod network.

Currently: the probe that keeps checking that pods on every Node reach Services by name, the
PodDisruptionBudget that keeps CoreDNS available during drains, and the drain policy for leaving
machines; where they are configured, namespaces with their limits, and the policy for images.
Changed objects are updated in place, once no earlier wave holds the cluster. They are not deleted
with the cluster, since they disappear with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.pki import Pki
from components.providers.hold import Hold
from components.providers.manifests import Manifests, ManifestsArgs
from model.applied_objects import baseline
from model.fleet import Cluster


@dataclass(frozen=True)
class BaselineArgs:
    """The cluster, its PKI, the initialization after which its API answers, and earlier holds."""

    cluster: Cluster
    pki: Pki
    init: pulumi.CustomResource
    held_by: Sequence[pulumi.Output[Hold]]


class Baseline(pulumi.ComponentResource):
    """The baseline's `objects`, by purpose."""

    def __init__(
        self, name: str, args: BaselineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:baseline:Baseline", name, None, opts)
        cluster, pki = args.cluster, args.pki
        self.objects = [
            Manifests(
                f"{cluster.name}-{purpose}",
                ManifestsArgs(
                    identity=pki.identity,
                    documents=text,
                    init=args.init.id,
                    held_by=list(args.held_by),
                ),
                pulumi.ResourceOptions(parent=self, deleted_with=pki.cluster),
            )
            for purpose, text in baseline(cluster).items()
        ]
        self.register_outputs({})
