"""Which versions a fleet has, and which clusters have each."""

from collections.abc import Iterable

from pydantic import Field

from model.natural_order import natural
from model.report import ReportEntry
from model.status.fleet import ClusterStatus

API_SERVER, KUBELET, RUNTIME, KERNEL, SYSTEM = (
    *("API server", "kubelet", "container runtime", "kernel"),
    "operating system",
)


class VersionUse(ReportEntry):
    """A version of a component: on how many Nodes or in how many add-ons, and in which clusters."""

    component: str = Field(description="What has versions: kubelet, kernel, or an add-on's name.")
    version: str = Field(description="The version.")
    count: int = Field(description="How many Nodes have it; of API servers and add-ons: clusters.")
    clusters: tuple[str, ...] = Field(description="The clusters that have it.")


def versions(clusters: Iterable[ClusterStatus]) -> tuple[VersionUse, ...]:
    """Return the versions of each component, the most used first.

    Kubelets count by cluster where single Nodes are not known.
    """
    found: dict[str, dict[str, list[str]]] = {
        name: {} for name in (API_SERVER, KUBELET, RUNTIME, SYSTEM, KERNEL)
    }

    def add(component: str, version: str, cluster: str) -> None:
        if version:
            found.setdefault(component, {}).setdefault(version, []).append(cluster)

    for cluster in clusters:
        add(API_SERVER, cluster.version, cluster.name)
        for version in [] if cluster.nodes else cluster.kubelet_versions:
            add(KUBELET, version, cluster.name)
        for node in cluster.nodes:
            add(KUBELET, node.version, cluster.name)
            add(RUNTIME, node.runtime, cluster.name)
            add(SYSTEM, node.os, cluster.name)
            add(KERNEL, node.kernel, cluster.name)
        for add_on in cluster.add_ons:
            add(add_on.name, add_on.version, cluster.name)
    return tuple(
        VersionUse(
            component=component,
            version=version,
            count=len(users),
            clusters=tuple(dict.fromkeys(users)),
        )
        for component, by_version in found.items()
        for version, users in sorted(
            by_version.items(), key=lambda pair: (-len(pair[1]), natural(pair[0]))
        )
    )
