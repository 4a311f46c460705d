"""The Kubernetes objects that every cluster gets, filled in for one cluster.

The YAML in manifests/ is valid as it stands, with the defaults of a stack; what differs from
cluster to cluster is set in the parsed objects, never by replacing text.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from model.fleet import Cluster

MANIFESTS = Path(__file__).parents[2] / "manifests"
Object = dict[str, Any]


def pod_network(cluster: Cluster) -> str:
    """Return the objects of the cluster's pod network as YAML documents."""
    objects = list(_objects(cluster.network))
    return _dump(NETWORKS[cluster.network](objects, cluster))


def probe(cluster: Cluster) -> str:
    """Return the objects of the network probe as YAML documents."""
    objects = list(_objects("probe"))
    domain = f"svc.{cluster.dns_domain}"
    names = {
        "SERVICE": f"kubernetes.default.{domain}",
        "PEERS": f"kubeadm-fleet-probe.kube-system.{domain}",
    }
    _set_environment(objects, names)
    return _dump(objects)


def dns() -> str:
    """Return what keeps CoreDNS answering while machines are drained, as YAML documents."""
    return _dump(list(_objects("dns")))


def drain(cluster: Cluster) -> str:
    """Return what machines that leave are told of draining, as YAML documents."""
    (told,) = _objects("drain")
    told["data"] = {
        "seconds": str(cluster.upgrade.drain_seconds),
        "force": str(cluster.upgrade.force).lower(),
    }
    return _dump([told])


def images() -> list[str]:
    """Return the images that the manifests name, each once, sorted."""
    found = {
        container["image"]
        for name in ("probe", *NETWORKS)
        for container in _containers(list(_objects(name)))
    }
    return sorted(found)


def _flannel(objects: list[Object], cluster: Cluster) -> list[Object]:
    for each in objects:
        if each["kind"] == "ConfigMap":
            settings = json.loads(each["data"]["net-conf.json"])
            settings["Network"] = str(cluster.pod_subnet)
            each["data"]["net-conf.json"] = json.dumps(settings, indent=2)
    endpoint = {
        "KUBERNETES_SERVICE_HOST": cluster.endpoint_host,
        "KUBERNETES_SERVICE_PORT": str(cluster.endpoint_port),
    }
    _set_environment(objects, endpoint)
    return objects


# The pod networks that a config may name.
NETWORKS = {"flannel": _flannel}


class _Dumper(yaml.SafeDumper):
    """Writes everything out: a person reads it in a preview."""

    def ignore_aliases(self, _data: Any) -> bool:
        """No anchors."""
        return True


def _objects(name: str) -> Iterator[Object]:
    yield from yaml.safe_load_all((MANIFESTS / f"{name}.yaml").read_text())


def _containers(objects: list[Object]) -> Iterator[Object]:
    for each in objects:
        pod = each.get("spec", {}).get("template", {}).get("spec", {})
        yield from (*pod.get("initContainers", ()), *pod.get("containers", ()))


def _set_environment(objects: list[Object], values: Mapping[str, str]) -> None:
    for container in _containers(objects):
        for variable in container.get("env", ()):
            if variable["name"] in values:
                variable["value"] = values[variable["name"]]


def _dump(objects: list[Object]) -> str:
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False)
