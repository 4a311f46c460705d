"""The registration of clusters in the tools that manage them, each in a cluster of the stack.

It comes after the rollout of the registered cluster: what the Secret trusts, and the key that
signs its token, are in use on all machines then. A tool's cluster that fails or is unavailable
fails these registrations, and nothing else.
"""

from collections.abc import Iterable, Mapping
from typing import TypedDict

import pulumi

from components.cluster import Cluster
from components.providers.hand_off import HandOff, HandOffArgs
from components.sdk import value_of
from model.fleet import Cluster as Described
from model.hand_off import Registered, Registration, secret_name
from model.rotation_phases import SERVICE_ACCOUNT


class RegistrationEntry(TypedDict):
    """A registration in the stack's output: its Secret, and when its token was made and ends."""

    secret: str
    issued: str
    expires: str


Entries = dict[str, dict[str, RegistrationEntry]]


def hand_off(
    clusters: Iterable[Described], made: Mapping[str, Cluster], opts: pulumi.ResourceOptions
) -> pulumi.Output[Entries]:
    """Register the clusters; return the registrations by cluster and tool."""
    found = {
        (cluster.name, registration.tool): _register(cluster, registration, made, opts)
        for cluster in clusters
        for registration in cluster.registrations
    }
    entries = (entry.apply(_unless_failed, run_with_unknowns=True) for entry in found.values())
    return pulumi.Output.all(*entries).apply(lambda known: _by_cluster(found, known))


def _register(
    cluster: Described,
    registration: Registration,
    made: Mapping[str, Cluster],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[RegistrationEntry]:
    source, target = made[cluster.name], made[registration.cluster]
    account = source.accounts[registration.tool]

    def registered(authority: str) -> Registered:
        return {
            "tool": registration.tool,
            "cluster": cluster.name,
            "namespace": registration.namespace,
            "server": cluster.server,
            "authority": authority,
            "labels": dict(cluster.labels),
            "annotations": dict(registration.annotations),
        }

    made_there = HandOff(
        f"{cluster.name}-{registration.tool}",
        HandOffArgs(
            identity=source.identity,
            target=target.identity,
            target_init=target.init.id,
            account=registration.account,
            account_changed=account.changed,
            registered=value_of(source.pki.cluster.bundle).apply(registered),
            lifetime_seconds=registration.lifetime_seconds,
            signer=source.pki.signers.apply(lambda known: known[SERVICE_ACCOUNT]),
        ),
        pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[source.rollout, account],
                # With it, what is in it is gone.
                deleted_with=target.pki.cluster,
            ),
        ),
    )
    name = secret_name(registration.tool, cluster.name)
    return pulumi.Output.all(made_there.issued, made_there.expires).apply(
        lambda known: RegistrationEntry(
            secret=f"{registration.cluster}/{registration.namespace}/{name}",
            issued=known[0],
            expires=known[1],
        )
    )


def _unless_failed(entry: RegistrationEntry) -> RegistrationEntry | None:
    """Return a registration; None for one that failed, which hides no other."""
    if pulumi.contains_unknowns(entry) and not pulumi.runtime.is_dry_run():
        return None
    return entry


def _by_cluster(
    names: Iterable[tuple[str, str]], entries: Iterable[RegistrationEntry | None]
) -> Entries:
    found: Entries = {}
    for (cluster, tool), entry in zip(names, entries, strict=True):
        if entry is not None:
            found.setdefault(cluster, {})[tool] = entry
    return found
