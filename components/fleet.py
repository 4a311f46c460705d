"""The fleet: one cluster component per configured cluster, and the stack's outputs.

Adding or removing a cluster in the config adds or removes that component and nothing else. Clusters
are independent, except that those of a later wave are changed after those of an earlier one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pulumi

from components.announcement import announce
from components.cluster import Cluster, ClusterArgs
from components.hand_off import hand_off
from components.people import authorities_of, certificates_of, people_output
from components.providers.certificate_authority import CertificateAuthority
from components.providers.ssh_key import SshKey, SshKeyArgs
from components.providers.wave import Wave, WaveArgs
from model.fleet import Cluster as DescribedCluster
from model.fleet import Fleet as Described
from model.render import kubeconfig as kubeconfigs

Output = TypeVar("Output")


@dataclass(frozen=True)
class FleetArgs:
    """The configured fleet, and the config's secrets by name."""

    fleet: Described
    secrets: Mapping[str, pulumi.Output[str]]


class Fleet(pulumi.ComponentResource):
    """All clusters; `outputs` are the stack's.

    `kubeconfig` (secret) has a context for each cluster, `clusters` a summary of each by name, and
    `inventory` (secret) every machine and its login, by cluster and name. `certificates` has what
    add-ons serve with (PEM), by cluster and add-on. `people` has everybody's
    clusters and lifetime of certificates, `registrations` the Secret of each cluster in each tool
    and the dates of its token, if there are any.
    """

    outputs: dict[str, pulumi.Output[Any]]

    def __init__(
        self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kubeadm-fleet:fleet:Fleet", name, None, opts)
        fleet = args.fleet
        announce(fleet)
        child = pulumi.ResourceOptions(parent=self)
        key = SshKey(f"{name}-ssh", SshKeyArgs(comment="kubeadm-fleet"), child)
        people = authorities_of(fleet.people, child)
        made = _in_waves(args, key, people, child)
        registrations = hand_off(fleet.clusters, made, child)
        contexts = pulumi.Output.all(*[made[cluster.name].context for cluster in fleet.clusters])
        clusters = _by_name(fleet, {name: cluster.summary for name, cluster in made.items()})
        inventory = _by_name(fleet, {name: cluster.inventory for name, cluster in made.items()})
        self.outputs = {
            "kubeconfig": pulumi.Output.secret(contexts.apply(kubeconfigs.render)),
            "clusters": clusters,
            "inventory": pulumi.Output.secret(inventory),
        }
        if any(cluster.metrics_server for cluster in fleet.clusters):
            self.outputs["certificates"] = _by_name(
                fleet, {name: cluster.certificates for name, cluster in made.items()}
            )
        if fleet.people:
            self.outputs["people"] = pulumi.Output.from_input(people_output(fleet))
        if any(cluster.registrations for cluster in fleet.clusters):
            self.outputs["registrations"] = registrations
        self.register_outputs({"clusters": clusters})


def _by_name(
    fleet: Described, outputs: Mapping[str, pulumi.Output[Output]]
) -> pulumi.Output[dict[str, Output]]:
    """Combine one output of every cluster, in config order."""
    return pulumi.Output.all(**{cluster.name: outputs[cluster.name] for cluster in fleet.clusters})


def _in_waves(
    args: FleetArgs,
    key: SshKey,
    people: Mapping[str, CertificateAuthority],
    opts: pulumi.ResourceOptions,
) -> dict[str, Cluster]:
    """Create the clusters; those of a later wave change once earlier waves release them."""
    made: dict[str, Cluster] = {}
    waves: list[Wave] = []
    for members in args.fleet.waves:
        for cluster in members:
            held_by = [wave.hold for wave in waves]
            access = certificates_of(cluster.access, people)
            made[cluster.name] = Cluster(
                cluster.name, ClusterArgs(cluster, key, args.secrets, access, held_by), opts
            )
        if members != args.fleet.waves[-1]:
            waves.append(_wave(members, made, waves, opts))
    return made


def _wave(
    members: Sequence[DescribedCluster],
    made: dict[str, Cluster],
    before: Sequence[Wave],
    opts: pulumi.ResourceOptions,
) -> Wave:
    return Wave(
        f"wave-{members[0].upgrade.wave}",
        WaveArgs(
            clusters=[cluster.name for cluster in members],
            rolled=[made[cluster.name].changed for cluster in members],
            identities=[made[cluster.name].identity for cluster in members],
            unavailable=[made[cluster.name].unavailable.apply(sorted) for cluster in members],
            soak_seconds=max(cluster.upgrade.soak_seconds for cluster in members),
        ),
        pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[*before, *(made[cluster.name].health for cluster in members)]
            ),
        ),
    )
