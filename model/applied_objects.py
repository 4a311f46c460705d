"""All objects that a run applies to a cluster, by the resource that applies them.

The registration of other clusters is not among them: components/hand_off.py.
"""

from collections.abc import Callable, Mapping

from model.cni import plugins
from model.fleet import Cluster
from model.render import hand_off, image_policy, manifests, namespaces, people

# The baseline, by purpose.
BASELINE: Mapping[str, Callable[[Cluster], str]] = {
    "probe": manifests.probe,
    "dns": lambda _: manifests.dns(),
    "drain": manifests.drain,
    "namespaces": namespaces.namespaces,
    "images": image_policy.image_policy,
}


def applied_objects(cluster: Cluster) -> dict[str, str]:
    """Return YAML documents by resource; nothing of what is not configured."""
    accounts = {f"{each.tool}-account": hand_off.account(each) for each in cluster.registrations}
    found = {
        cluster.network: plugins.pod_network(cluster),
        **baseline(cluster),
        "access": people.access_objects(cluster),
        **accounts,
    }
    return {name: text for name, text in found.items() if text}


def baseline(cluster: Cluster) -> dict[str, str]:
    """Return the documents of the baseline by purpose; nothing of what is not configured."""
    found = {purpose: render(cluster) for purpose, render in BASELINE.items()}
    return {purpose: text for purpose, text in found.items() if text}
