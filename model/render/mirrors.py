"""The registry mirrors of a machine: a hosts.toml for each registry, which containerd reads on
every pull.

https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from model.artifacts.upstream import registries
from model.fleet import Cluster
from model.outbound import Mirror

FOLDER = "/etc/containerd/certs.d"


def mirror_files(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield path and content of each file for `artifacts.mirror` and `registryMirrors`.

    A rule rejects two mirrors of one registry.
    """
    artifacts, mirrors = cluster.artifacts, cluster.outbound.mirrors
    if artifacts.source == "upstream" and artifacts.mirror:
        for registry in registries(cluster.supplements):
            yield _hosts_file(registry), _replacing(artifacts.mirror)
    for registry, mirror in sorted(mirrors.items()):
        yield _hosts_file(registry), _in_front(registry, mirror)
        if mirror.ca:
            yield _ca_file(registry), f"{mirror.ca.strip()}\n"


def _replacing(mirror: str) -> str:
    """Return the file of a mirror that stands for the registry, without a fallback to it."""
    return f"""\
# Written by kubeadm-fleet from artifacts.mirror.
server = "{mirror.rstrip("/")}/v2"
capabilities = ["pull", "resolve"]
override_path = true
"""


def credentials(mirrors: Mapping[str, Mirror], secrets: Mapping[str, str]) -> str:
    """Return the table of credentials, which scripts/node/credentials.sh keeps on a machine.

    It has a line for each registry: the registry and base64 of `user:password`, separated by a tab.
    `secrets` are the config's, by name.
    """
    return "".join(
        f"{registry}\t{b64encode(secrets[mirror.credentials].encode()).decode()}\n"
        for registry, mirror in sorted(mirrors.items())
        if mirror.credentials
    )


def _in_front(registry: str, mirror: Mirror) -> str:
    """Return the file of a mirror that is asked before the registry itself."""
    lines = [
        "# Written by kubeadm-fleet from registryMirrors.",
        f"[host.{json.dumps(mirror.url)}]",
        'capabilities = ["pull", "resolve"]',
    ]
    # containerd appends /v2 to a path that does not end in it; below /v2 the path is complete.
    if "v2" in urlsplit(mirror.url).path.split("/"):
        lines.append("override_path = true")
    if mirror.ca:
        lines.append(f'ca = "{_ca_file(registry)}"')
    if mirror.credentials:
        # RFC 7617. The machine fills in the value.
        lines.append(f"[host.{json.dumps(mirror.url)}.header]")
        lines.append(f'authorization = "Basic @CREDENTIALS:{registry}@"')
    return "".join(f"{line}\n" for line in lines)


def _hosts_file(registry: str) -> str:
    return f"{FOLDER}/{registry}/hosts.toml"


def _ca_file(registry: str) -> str:
    return f"{FOLDER}/{registry}/ca.crt"
