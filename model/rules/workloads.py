"""Rules for what restricts workloads: what the API would refuse once machines are changed."""

from collections.abc import Iterator

from model.cni.plugins import POLICY_ENGINES
from model.config.errors import Path
from model.config.namespaces import Namespace
from model.config.resolved_cluster import ResolvedCluster
from model.fleet import NO_POLICY
from model.rules.issue import Issue, issue


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's security settings."""
    settings = cluster.settings.security
    if settings.images.registries == []:
        yield issue(
            cluster.path_of("security", "images", "registries"),
            [],
            "no registry: no pod could start",
            allowed="at least one registry, or no key `registries`",
            example="registries: [registry.example.com]",
        )
    network, engine = cluster.settings.network, cluster.settings.networking.network_policy
    if network in POLICY_ENGINES and engine != network:
        yield issue(
            cluster.path_of("networking", "networkPolicy"),
            engine,
            f"the network of {cluster.name} is {network}, which always enforces policies",
            allowed=f"networkPolicy: {network}; {engine} only with another network",
            example=f"networking: {{networkPolicy: {network}}}",
            sources=cluster.paths_of("network"),
        )
    for name, namespace in settings.namespaces.items():
        path = cluster.path_of("security", "namespaces", name)
        yield from _limits(path, namespace)
        if namespace.default_deny and cluster.settings.networking.network_policy == NO_POLICY:
            yield issue(
                (*path, "defaultDeny"),
                True,
                f"nothing enforces policies in {cluster.name}: all connections would stay possible",
                allowed="only with networking.networkPolicy: calico",
                example="networking: {networkPolicy: calico}",
            )


def _limits(path: Path, namespace: Namespace) -> Iterator[Issue]:
    for lower, upper, resource in namespace.contradictions():
        yield issue(
            (*path, "limits", lower, resource),
            getattr(namespace.limits, _FIELDS[lower])[resource],
            f"more than {upper} has, {getattr(namespace.limits, _FIELDS[upper])[resource]}",
            allowed="defaultRequest at most as much as default, and default as max",
            example=f"limits: {{defaultRequest: {{{resource}: 1}}, max: {{{resource}: 2}}}}",
        )


_FIELDS = {"defaultRequest": "default_request", "default": "default", "max": "max"}
