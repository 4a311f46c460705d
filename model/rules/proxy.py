"""Rules for a cluster's proxy and registry mirrors."""

from collections.abc import Iterator

from model.artifacts.upstream import registries
from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of a cluster's proxy and mirrors."""
    proxy, path = cluster.settings.proxy, cluster.path_of("proxy")
    if proxy.no_proxy and not (proxy.http or proxy.https):
        yield issue(
            (*path, "noProxy"),
            proxy.no_proxy,
            "noProxy without a proxy",
            allowed="noProxy together with http, https or both",
            example="proxy: {https: http://proxy.example.com:3128, noProxy: [.example.com]}",
            sources=(*cluster.paths_of("proxy"), (*path, "http"), (*path, "https")),
        )
    for registry, mirror in cluster.settings.registry_mirrors.items():
        if mirror.credentials and mirror.url.startswith("http://"):
            yield issue(
                cluster.path_of("registryMirrors", registry, "credentials"),
                mirror.credentials,
                "user and password would be sent in plain text",
                allowed="credentials together with an https URL",
                example="{url: https://mirror.example.com, credentials: mirrorLogin}",
                sources=cluster.paths_of("registryMirrors", registry),
            )
    if cluster.settings.artifacts.mirror is None:
        return
    chosen = (cluster.settings.network, cluster.settings.networking.network_policy)
    for registry in registries(chosen):
        if registry in cluster.settings.registry_mirrors:
            yield issue(
                cluster.path_of("registryMirrors", registry),
                cluster.settings.registry_mirrors[registry].url,
                f"artifacts.mirror already replaces {registry}",
                allowed="one of the two: artifacts.mirror, or a mirror of this registry",
                example="registryMirrors: {docker.io: {url: https://mirror.example.com}}",
                sources=(
                    *cluster.paths_of("artifacts", "mirror"),
                    *cluster.paths_of("registryMirrors", registry),
                ),
            )
