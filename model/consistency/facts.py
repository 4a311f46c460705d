"""What is known of a cluster, as plain data: items by area, of the cluster and of its Nodes.

A value is a text, or a document: an object of which every field counts. What a host says of itself
is added as further areas, from plain mappings (`with_host`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CLUSTER = "cluster"
VERSIONS = "versions"
API_SERVER, CONTROLLER_MANAGER, SCHEDULER, ETCD = COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
)
KUBELET, PROXY, DNS, ADD_ONS, NETWORK = "kubelet", "kube-proxy", "CoreDNS", "add-ons", "network"
RBAC, ADMISSION, POD_SECURITY = "RBAC", "admission", "pod security"
POLICIES = "network policies"
# What hosts say.
FILES, PROGRAMS, UNITS, SYSCTLS = HOST_AREAS = ("files", "programs", "units", "sysctls")
# In the order in which they are shown.
AREAS = (
    *(CLUSTER, VERSIONS, *COMPONENTS, KUBELET, PROXY, DNS, ADD_ONS, NETWORK),
    *(RBAC, ADMISSION, POD_SECURITY, POLICIES, *HOST_AREAS),
)

# What the entries of a list are known by, the first of these that all have: as the API does it.
ENTRY_KEYS = ("mountPath", "name")
# Items of VERSIONS.
API, KUBELET_VERSION, *_ = VERSION_ITEMS = (
    *("API", "kubelet", "container runtime", "kernel", "OS", "architecture"),
)


@dataclass(frozen=True)
class Document:
    """An object: a digest of all of its fields, and the fields by path, if they were kept."""

    digest: str
    fields: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return self.digest


Value = str | Document
Items = Mapping[str, Value]
Areas = Mapping[str, Items]


@dataclass(frozen=True)
class Unread:
    """What could not be read: an area, of one Node unless `node` is ""; why."""

    area: str
    reason: str
    node: str = ""


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster: `version` is that of its API server, `nodes` are areas by Node.

    One that is not `reachable` has neither, and `unread` has one entry with the reason. An area
    that `unread` has may have items nevertheless: those that were read in time.
    """

    name: str
    reachable: bool = True
    version: str = ""
    areas: Areas = field(default_factory=dict)
    nodes: Mapping[str, Areas] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    def with_host(self, node: str, digests: Mapping[str, Mapping[str, str]]) -> "ClusterFacts":
        """Return the facts with what a Node's host says: texts by item, by area of `HOST_AREAS`."""
        areas = {**self.nodes.get(node, {}), **digests}
        return replace(self, nodes={**self.nodes, node: areas})


def document(content: Any, *, keep: bool = True) -> Document:
    """Return an object as a document; without `keep`, only its digest remains."""
    joined = json.dumps(content, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(joined.encode()).hexdigest()[:12]
    return Document(digest, dict(flattened(content)) if keep else {})


def flattened(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of an object with their paths.

    A list of texts and numbers is one field. Entries of other lists are known by their names, those
    that have none of their own by their places; lines of a text, by their numbers.
    """
    if isinstance(content, Mapping) and content:
        for key, value in content.items():
            yield from flattened(value, _below(path, str(key)))
    elif isinstance(content, list) and any(isinstance(each, Mapping | list) for each in content):
        for key, value in entries(content):
            yield from flattened(value, f"{path}[{key}]")
    elif isinstance(content, str) and "\n" in content.rstrip("\n"):
        for number, line in enumerate(content.splitlines(), start=1):
            yield f"{path}:{number}", line
    else:
        yield path, _text(content)


def _below(path: str, key: str) -> str:
    if "." in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def entries(content: list[Any], *, whole: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a list by what they are known by; `whole`: with that field itself.

    An entry without a name of its own is known by its place, which hides the name of no other one.
    """
    for key in ENTRY_KEYS:
        names = [each.get(key) if isinstance(each, Mapping) else None for each in content]
        if key == ENTRY_KEYS[-1] or (all(names) and len({*map(str, names)}) == len(names)):
            break
    counts = Counter(map(str, names))
    for index, (name, value) in enumerate(zip(names, content, strict=True)):
        if not isinstance(name, str) or counts[name] > 1:
            yield str(index), value
        else:
            rest = value if whole else {each: its for each, its in value.items() if each != key}
            yield name, rest


def _text(content: Any) -> str:
    match content:
        case bool():
            return "true" if content else "false"
        case list():
            return ",".join(map(_text, content))
        case None:
            return "null"
        case Mapping():
            return "{}"
        case _:
            return str(content).rstrip("\n")
