"""The facts of clusters that are compared, read from their APIs, from many at the same time.

What was read when the time is over counts; the rest is named as unread. Of kubelets, those of Nodes
that are Ready are asked first.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Protocol, TypeVar

from model.api_objects import Json
from model.consistency import facts, objects, static_pods
from model.consistency.declaration import identity
from model.consistency.facts import Areas, ClusterFacts, Items, Unread, Value
from model.consistency.own_values import OwnValues, own_values
from model.consistency.shared_facts import SharedFacts
from ops import fan_out
from ops.fan_out import Late
from ops.kube import host_facts, kubelets, members, unreachable
from ops.kube.client import Client, unless_missing
from ops.kube.errors import ApiError
from ops.kube.members import MemberNode

R = TypeVar("R")
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io"
APPS = "/apis/apps/v1/namespaces"
# Kinds of objects by their lists.
RULES = {
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "Role": f"{RBAC}/roles",
    "RoleBinding": f"{RBAC}/rolebindings",
}
ADMISSION_KINDS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}
WORKLOADS = {"DaemonSet": "daemonsets", "Deployment": "deployments"}
# The part of the time in which kubelets are asked: in the rest, no thread holds up the end.
KUBELET_SHARE = 0.9
# The part of it in which machines' reports are read first.
HOSTS_SHARE = 0.5
ARCHITECTURE = facts.VERSION_ITEMS[-1]


class Asked(Protocol):
    """A cluster to ask: its name, and how to get a client whose requests take so long at most."""

    name: str

    def client(self, seconds: float) -> Client:
        """Return the client; raise OperatorError."""


def gather(targets: Sequence[Asked], seconds: float, *, fields: bool = False) -> list[ClusterFacts]:
    """Read all clusters at the same time; return after `seconds` at most, in their order.

    `fields`: with those of all objects, for `fleet diff`; otherwise some have digests alone.
    """
    store = SharedFacts()
    parallel = kubelets.parallel(len(targets))
    readings = [_Reading(target, seconds, store, parallel, fields=fields) for target in targets]
    answers = fan_out.ask(readings, _Reading.read, seconds)
    return [reading.result(answer.error) for reading, answer in zip(readings, answers, strict=True)]


class _Reading:
    """What was read of a cluster so far; another thread may look at it at any time."""

    def __init__(
        self, target: Asked, seconds: float, store: SharedFacts, parallel: int, *, fields: bool
    ) -> None:
        self._parallel = parallel
        self._target, self._seconds, self._keep, self._store = target, seconds, fields, store
        self._end = time.monotonic() + seconds
        self._kubelets_end = time.monotonic() + seconds * KUBELET_SHARE
        self._lock = Lock()
        self._version = ""
        self._is_reachable = False
        self._areas: dict[str, Items] = {}
        self._nodes: dict[str, dict[str, Items]] = {}
        self._unread: list[Unread] = []
        # Nodes whose kubelets have not answered, with the reason.
        self._silent: dict[str, str] = {}
        self._left = [area for area in facts.AREAS if area not in facts.HOST_AREAS]

    def read(self) -> None:
        """Read everything; raise what makes it impossible to read anything."""
        client = self._target.client(self._seconds)
        version = str(client.get("/version").get("gitVersion", ""))
        nodes = client.reduced("/api/v1/nodes", partial(members.node, self._store))
        addresses = {node.name: node.addresses for node in nodes}
        configuration = members.configuration(client)
        own = own_values(configuration, addresses)
        with self._lock:
            self._is_reachable, self._version = True, version
            self._nodes = {node.name: {facts.VERSIONS: node.versions} for node in nodes}
        self._put({facts.VERSIONS: {facts.API: version}})
        self._put({facts.CLUSTER: identity(configuration)})
        steps: list[tuple[tuple[str, ...], Callable[[], object]]] = [
            (facts.COMPONENTS, lambda: self._read_components(client, nodes, own)),
            ((facts.PROXY, facts.DNS), lambda: self._read_config_maps(client, own)),
            ((facts.ADD_ONS, facts.NETWORK), lambda: self._read_add_ons(client, own)),
            ((facts.RBAC,), lambda: self._read_lists(client, RULES, own, facts.RBAC)),
            ((facts.ADMISSION,), lambda: self._read_admission(client, own)),
            (
                (facts.POD_SECURITY,),
                lambda: self._read_lists(
                    client, {"Namespace": "/api/v1/namespaces"}, own, facts.POD_SECURITY
                ),
            ),
            (
                (facts.POLICIES,),
                lambda: self._read_lists(
                    client,
                    {"NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies"},
                    own,
                    facts.POLICIES,
                ),
            ),
            ((), lambda: self._read_hosts(client)),
            ((facts.KUBELET,), lambda: self._read_kubelets(client, nodes, own)),
        ]
        for areas, step in steps:
            if time.monotonic() > self._end:
                return
            try:
                step()
            except (ApiError, KeyError, TypeError, AttributeError, ValueError) as error:
                self._fail(areas, unreachable.summary(error))

    def result(self, error: Exception | None) -> ClusterFacts:
        """Return what was read; `error` is why the rest was not."""
        with self._lock:
            if not self._is_reachable:
                reason = unreachable.summary(error or Late(self._seconds))
                return ClusterFacts(
                    self._target.name, reachable=False, unread=(Unread("", reason),)
                )
            reason = str(error or Late(self._seconds))
            unread = [
                *self._unread,
                *(Unread(area, reason) for area in self._left),
                *(Unread(facts.KUBELET, why, node) for node, why in self._silent.items()),
            ]
            nodes: dict[str, Areas] = {name: dict(areas) for name, areas in self._nodes.items()}
            return ClusterFacts(
                self._target.name, True, self._version, dict(self._areas), nodes, tuple(unread)
            )

    def _put(self, areas: Mapping[str, Mapping[str, Value]]) -> None:
        with self._lock:
            for area, items in areas.items():
                self._areas[area] = self._store.items(items)
                if area in self._left:
                    self._left.remove(area)

    def _fail(self, areas: Sequence[str], reason: str) -> None:
        with self._lock:
            for area in areas:
                if area in self._left:
                    self._left.remove(area)
                    self._unread.append(Unread(area, reason))

    def _read_components(self, client: Client, nodes: Sequence[MemberNode], own: OwnValues) -> None:
        """Read the control plane's pods; one that is missing has no items."""
        planes = [node.name for node in nodes if node.is_control_plane]
        found: dict[str, dict[str, Items]] = {
            name: {component: {} for component in facts.COMPONENTS} for name in planes
        }

        def read(pod: Json) -> None:
            node, component = str(pod["spec"].get("nodeName", "")), static_pods.component_of(pod)
            if component and node in found:
                items = static_pods.items(pod, own.of_node(node))
                found[node][component] = self._store.items(items)

        pods = "/api/v1/namespaces/kube-system/pods"
        client.reduced(pods, read, labelSelector=static_pods.SELECTOR)
        has_pods = any(items for areas in found.values() for items in areas.values())
        with self._lock:
            for name, areas in found.items() if has_pods else ():
                self._nodes[name] |= areas
            self._left = [area for area in self._left if area not in facts.COMPONENTS]

    def _read_config_maps(self, client: Client, own: OwnValues) -> None:
        path = CONFIG_MAPS.format("kube-system")
        found = [client.find(f"{path}/{name}") for name in ("kube-proxy", "coredns")]
        self._put_objects([("ConfigMap", each) for each in found if each], own, facts.PROXY,
                          facts.DNS)  # fmt: skip

    def _read_add_ons(self, client: Client, own: OwnValues) -> None:
        lists = [
            *((kind, f"{APPS}/{namespace}/{plural}") for kind, plural in WORKLOADS.items()
              for namespace in objects.SYSTEM_NAMESPACES),
            *(("ConfigMap", CONFIG_MAPS.format(namespace))
              for namespace in objects.SYSTEM_NAMESPACES[1:]),
        ]  # fmt: skip
        found = [(kind, each) for kind, path in lists for each in client.reduced(path, _same)]
        self._put_objects(found, own, facts.ADD_ONS, facts.NETWORK)

    def _read_lists(
        self, client: Client, lists: Mapping[str, str], own: OwnValues, area: str
    ) -> None:
        items: dict[str, Value] = {}
        for kind, path in lists.items():
            for pairs in client.reduced(path, partial(self._reduce, kind, own)):
                items |= pairs
        self._put({area: items})

    def _read_admission(self, client: Client, own: OwnValues) -> None:
        found: dict[str, Value] = {}
        for kind, plural in ADMISSION_KINDS.items():
            for version in ("v1", "v1beta1"):
                path = f"{ADMISSION}/{version}/{plural}"
                read = partial(client.reduced, path, partial(self._reduce, kind, own))
                if (pairs := unless_missing(read)) is not None:
                    for each in pairs:
                        found |= each
                    break
        self._put({facts.ADMISSION: found})

    def _reduce(self, kind: str, own: OwnValues, entry: Json) -> dict[str, Value]:
        read = objects.items_of(entry, kind, own, keep=self._keep)
        return {item: value for _, item, value in read}

    def _put_objects(
        self, entries: Sequence[tuple[str, Json]], own: OwnValues, *areas: str
    ) -> None:
        found: dict[str, dict[str, Value]] = {area: {} for area in areas}
        for kind, entry in entries:
            for area, item, value in objects.items_of(entry, kind, own, keep=True):
                found[area][item] = value
        self._put(found)

    def _read_hosts(self, client: Client) -> None:
        """Read what machines report, in a part of the time of the kubelets, who are asked next."""
        left = max(0.0, self._kubelets_end - time.monotonic()) * HOSTS_SHARE
        architectures = {
            name: str(areas[facts.VERSIONS].get(ARCHITECTURE, ""))
            for name, areas in self._nodes.items()
        }
        found = host_facts.read(client, architectures, left, self._parallel)
        with self._lock:
            self._unread += found.unread
            for name, areas in found.nodes.items():
                self._nodes[name] |= {
                    area: self._store.items(items) for area, items in areas.items() if items
                }

    def _read_kubelets(self, client: Client, nodes: Sequence[MemberNode], own: OwnValues) -> None:
        """Ask kubelets for what they run with, by way of the API server."""
        # Those of a cluster are mostly alike: what was parsed once is known.
        parsed: dict[str, Items] = {}

        def ask(node: MemberNode) -> None:
            path = kubelets.path(node.name, "configz")
            left = max(0.1, min(kubelets.NODE_SECONDS, self._kubelets_end - time.monotonic()))
            text = client.limited(retries=0, seconds=left).text(path)
            if text not in parsed:
                content = json.loads(text)["kubeletconfig"]
                parsed[text] = self._store.items(dict(facts.flattened(own.of(content))))
            with self._lock:
                self._nodes[node.name][facts.KUBELET] = parsed[text]
                self._silent.pop(node.name, None)

        with self._lock:
            self._silent = {node.name: str(Late(self._seconds)) for node in nodes}
            self._left.remove(facts.KUBELET)
        order = sorted(nodes, key=lambda node: not node.is_ready)
        left = max(0.0, self._kubelets_end - time.monotonic())
        for answer in fan_out.ask(order, ask, left, parallel=self._parallel):
            if answer.error is not None and not answer.is_late:
                with self._lock:
                    self._silent[answer.target.name] = unreachable.summary(answer.error)


def _same(entry: Json) -> Json:
    return entry
