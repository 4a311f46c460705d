"""All objects that a run applies to a cluster, by the resource that applies them.

The registration of other clusters is not among them (components/hand_off.py). How an API is
registered is only compared: another resource applies it (components/providers/aggregated_api.py).
"""

from collections.abc import Callable, Mapping, Sequence

from model.aggregated_api import described
from model.api_objects import Object
from model.cni import plugins
from model.fleet import Cluster
from model.render import (
    hand_off,
    image_policy,
    manifests,
    metrics_server,
    namespaces,
    objects,
    people,
)

# The baseline, by purpose.
BASELINE: Mapping[str, Callable[[Cluster], Sequence[Object]]] = {
    "probe": manifests.probe_objects,
    "dns": lambda _: objects.parsed(manifests.dns()),
    "drain": lambda cluster: objects.parsed(manifests.drain(cluster)),
    "namespaces": namespaces.namespace_objects,
    "images": image_policy.image_objects,
}


def applied_objects(cluster: Cluster) -> dict[str, Sequence[Object]]:
    """Return the objects by resource; nothing of what is not configured."""
    accounts = {
        f"{each.tool}-account": objects.parsed(hand_off.account(each))
        for each in cluster.registrations
    }
    found = {
        "pod-network": plugins.network_objects(cluster),
        **{purpose: render(cluster) for purpose, render in BASELINE.items()},
        "metrics-server-objects": metrics_server.metrics_objects(cluster),
        "access": list(people.objects(cluster)),
        **accounts,
    }
    return {name: its for name, its in found.items() if its}


def registrations(cluster: Cluster) -> list[Sequence[Object]]:
    """Return the registrations of APIs, as far as the config knows them, in lists of one.

    The CAs and dates of their certificates are those of a run.
    """
    return [[described(metrics_server.API)]] if cluster.metrics_server else []


def baseline(cluster: Cluster) -> dict[str, str]:
    """Return the documents of the baseline by purpose; nothing of what is not configured."""
    found = {purpose: render(cluster) for purpose, render in BASELINE.items()}
    return {
        purpose: objects.dump([dict(each) for each in its]) for purpose, its in found.items() if its
    }
