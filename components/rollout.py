"""The desired state of a cluster's machines, as inputs of the rollout resource."""

from collections.abc import Sequence
from typing import Any

import pulumi

from components.machine import Machine
from components.pki import Pki
from components.providers.rollout import Rollout
from model.fleet import Cluster
from model.render import kubeadm


def rollout_of(
    cluster: Cluster,
    machines: Sequence[Machine],
    pki: Pki,
    after: Sequence[pulumi.Resource],
    held_by: Sequence[pulumi.Output[dict[str, Any]]],
    opts: pulumi.ResourceOptions,
) -> Rollout:
    """Apply changes to running machines, once all have joined and `after` is done.

    While an earlier wave holds it (`held_by`), a change is recorded as waiting.
    """
    upgrade = cluster.upgrade
    return Rollout(
        f"{cluster.name}-rollout",
        cluster=cluster.name,
        version=cluster.kubernetes_version,
        cluster_document=kubeadm.cluster_configuration(cluster),
        kubelet_document=kubeadm.kubelet_configuration(cluster),
        outbound={
            "proxy": cluster.outbound.environment,
            "registry mirror": cluster.outbound.mirror_table,
        },
        machines={
            each.name: {
                "role": each.role,
                "address": each.address,
                "labels": dict(each.labels),
                "taints": [str(taint) for taint in each.taints],
            }
            for each in cluster.machines
        },
        machine_ids={each.name: each.id for each in machines},
        logins={each.name: each.login.to_props() for each in machines},
        kubeconfig=pki.kubeconfig,
        policy={
            "max_unavailable": upgrade.max_unavailable,
            "drain_seconds": upgrade.drain_seconds,
            "force": upgrade.force,
        },
        held_by=list(held_by),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(depends_on=[*(each.joined for each in machines), *after]),
        ),
    )
