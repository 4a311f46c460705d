"""Rules for a cluster's proxy and registry mirrors."""

from collections.abc import Iterator

from model.artifacts.upstream import REGISTRIES
from model.config.errors import Path
from model.config.resolve import ResolvedCluster
from model.rules.issue import Issue, issue


def check_cluster(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of a cluster's proxy and mirrors."""
    own = layout.cluster.proxy is not None
    proxy = layout.cluster.proxy if own else layout.fleet.proxy
    path: Path = (*layout.path, "proxy") if own else ("proxy",)
    if proxy and proxy.no_proxy and not (proxy.http or proxy.https):
        yield issue(
            (*path, "noProxy"),
            proxy.no_proxy,
            "noProxy without a proxy",
            allowed="noProxy together with http, https or both",
            example="proxy: {https: http://proxy.example.com:3128, noProxy: [.example.com]}",
            sources=(path, (*path, "http"), (*path, "https")),
        )
    if layout.fleet.artifacts.mirror is None:
        return
    for registry in REGISTRIES:
        for mirrors, above in (
            (layout.cluster.registry_mirrors, layout.path),
            (layout.fleet.registry_mirrors, ()),
        ):
            if registry in mirrors:
                yield issue(
                    (*above, "registryMirrors", registry),
                    mirrors[registry],
                    f"{registry} already has a mirror: artifacts.mirror",
                    allowed="one mirror per registry",
                    example="registryMirrors: {docker.io: https://mirror.example.com}",
                    sources=(("artifacts", "mirror"),),
                )
