"""The registry mirrors of a machine: a hosts.toml for each registry, which containerd reads on
every pull.

https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from model.artifacts.upstream import REGISTRIES
from model.fleet import Cluster


def hosts_files(cluster: Cluster) -> dict[str, str]:
    """Return hosts.toml by registry: `artifacts.mirror` and `registryMirrors`.

    A rule rejects two mirrors of one registry.
    """
    artifacts, mirrors = cluster.artifacts, cluster.outbound.mirrors
    replaced = REGISTRIES if artifacts.source == "upstream" and artifacts.mirror else ()
    return {
        **{registry: _replacing(artifacts.mirror or "") for registry in replaced},
        **{registry: _in_front(url) for registry, url in sorted(mirrors.items())},
    }


def _replacing(mirror: str) -> str:
    """Return the file of a mirror that stands for the registry, without a fallback to it."""
    return f"""\
# Written by kubeadm-fleet from artifacts.mirror.
server = "{mirror.rstrip("/")}/v2"
capabilities = ["pull", "resolve"]
override_path = true
"""


def _in_front(mirror: str) -> str:
    """Return the file of a mirror that is asked before the registry itself."""
    return f"""\
# Written by kubeadm-fleet from registryMirrors.
[host."{mirror}"]
capabilities = ["pull", "resolve"]
"""
