"""What a cluster's config says of it, in the form of its facts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from model.api_objects import Object
from model.applied_objects import applied_objects
from model.consistency import facts
from model.consistency.declaration import Declared, identity
from model.consistency.facts import Areas, Items, Value, document, flattened
from model.consistency.hosts import declared_items
from model.consistency.kubeadm_defaults import FLAGS
from model.consistency.objects import items_of
from model.consistency.own_values import OwnValues, own_values
from model.consistency.shared_facts import SharedFacts
from model.consistency.static_pods import POD, VERSION
from model.fleet import Cluster
from model.render import kubeadm

SECTIONS = {
    facts.API_SERVER: "apiServer",
    facts.CONTROLLER_MANAGER: "controllerManager",
    facts.SCHEDULER: "scheduler",
    facts.ETCD: "etcd",
}
NOT_ITEMS = ("apiVersion", "kind")


def declared(cluster: Cluster, shared: SharedFacts | None = None) -> Declared:
    """Return what is declared of a cluster; nothing of Nodes that it does not have.

    What clusters of which one `shared` is given have in common is the same object.
    """
    shared = shared or SharedFacts()
    configuration, of_kubelets, proxy = map(_plain, kubeadm.cluster_objects(cluster))
    own = own_values(configuration, {})
    basis = {}
    planes: dict[str, dict[str, Value]] = {}
    for component, section in SECTIONS.items():
        its = configuration[section].get("local", configuration[section])
        planes[component] = {
            **{f"--{name}": value for name, value in FLAGS[component].items()},
            **{f"--{each['name']}": own.text(each["value"]) for each in its["extraArgs"]},
        }
        others = {key: value for key, value in its.items() if key in ("extraVolumes", "extraEnvs")}
        if component != facts.ETCD:
            planes[component] |= {VERSION: cluster.kubernetes_version}
        basis[component, POD] = document(others, keep=False).digest
    of_plane = {component: shared.items(items) for component, items in planes.items()}
    version = cluster.kubernetes_version
    versions = shared.items({facts.KUBELET_VERSION: version})
    of_kubelet: dict[str, Items] = {}
    of_hosts = {area: shared.items(items) for area, items in declared_items().items()}
    nodes: dict[str, dict[str, Items]] = {}
    for machine in cluster.machines:
        key = repr(machine.kubelet)
        if key not in of_kubelet:
            of_kubelet[key] = shared.items(_kubelet(of_kubelets, machine.kubelet, own))
        nodes[machine.name] = {facts.VERSIONS: versions, facts.KUBELET: of_kubelet[key], **of_hosts}
        if machine in cluster.control_planes:
            nodes[machine.name] |= of_plane
    objects: dict[str, Items] = {
        facts.CLUSTER: identity(configuration),
        facts.VERSIONS: {facts.API: version},
        facts.PROXY: _fields(proxy, own),
        **_objects(cluster, own),
    }
    areas = {area: shared.items(items) for area, items in objects.items()}
    return Declared(version, areas, nodes, basis=basis)


def _kubelet(of_all: Mapping[str, Any], settings: Mapping[str, Any], own: OwnValues) -> Items:
    return _fields(kubeadm.overridden(dict(of_all), kubeadm.with_swap(settings)), own)


def _fields(content: Mapping[str, Any], own: OwnValues) -> dict[str, Value]:
    left = {key: value for key, value in content.items() if key not in NOT_ITEMS}
    return dict(flattened(own.of(left)))


def _objects(cluster: Cluster, own: OwnValues) -> Areas:
    found: dict[str, dict[str, Value]] = {}
    for entry in _rendered(cluster):
        for area, item, value in items_of(entry, entry["kind"], own, keep=True):
            found.setdefault(area, {})[item] = value
    return found


def _rendered(cluster: Cluster) -> Iterator[Object]:
    """Yield the objects that a run applies."""
    for found in applied_objects(cluster).values():
        yield from map(_plain, found)


def _plain(entry: Mapping[str, Any]) -> Any:
    """Return an object as it is read again from what is written of it."""
    return json.loads(json.dumps(entry))
