"""Rules for what a cluster's machines must reach, other than each other.

A machine sends packets for addresses of the pod or Service network to pods and Services.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from model.config.errors import Path
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import address_or_none
from model.rules.issue import Issue, issue

EXAMPLES = {
    "external": "external: api.tokyo.example.com:6443",
    "host": "host: bastion.example.com",
    "http": "http: http://proxy.example.com:3128",
    "https": "https: http://proxy.example.com:3128",
    "mirror": "mirror: https://mirror.example.com",
}
MIRROR_EXAMPLE = "registryMirrors: {docker.io: {url: https://mirror.example.com}}"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the addresses that are inside the cluster's own pod or Service network."""
    networking, path = cluster.settings.networking, (*cluster.path, "networking")
    networks = {
        "podSubnet": (f"the pods of {cluster.name}", networking.pod_subnet),
        "serviceSubnet": (f"Services of {cluster.name}", networking.service_subnet),
    }
    for where, host in _hosts(cluster):
        address = address_or_none(host)
        for key, (title, network) in networks.items():
            if address and address in network:
                yield issue(
                    where,
                    host,
                    f"is inside {network} ({title}): no machine of the cluster could reach it",
                    allowed="a name, or an address outside of pods and Services",
                    example=EXAMPLES.get(str(where[-1]), MIRROR_EXAMPLE),
                    sources=((*path, key), *cluster.driver_paths),
                )


def _hosts(cluster: ResolvedCluster) -> Iterator[tuple[Path, str]]:
    settings = cluster.settings
    if settings.endpoint and settings.endpoint.external:
        yield cluster.endpoint_path("external"), settings.endpoint.external.rpartition(":")[0]
    if cluster.driver == "existing" and settings.machines.ssh.bastion:
        path = cluster.path_of("machines", "ssh", "bastion", "host")
        yield path, settings.machines.ssh.bastion.host
    urls: dict[Path, str | None] = {
        ("proxy", "http"): settings.proxy.http,
        ("proxy", "https"): settings.proxy.https,
        ("artifacts", "mirror"): settings.artifacts.mirror,
    }
    for registry, mirror in settings.registry_mirrors.items():
        urls["registryMirrors", registry, "url"] = mirror.url
    for setting, url in urls.items():
        if url and (host := urlsplit(url).hostname):
            yield cluster.path_of(*setting), host
