"""flannel: the objects of its VXLAN network, for one cluster."""

import json

from model.api_objects import Json
from model.fleet import Cluster
from model.render import objects

# The volumes with the host's CNI plugins and their configurations.
CNI_FOLDERS = ("cni-bin", "cni-config")


def render(cluster: Cluster) -> list[Json]:
    """Return the objects, in the order in which they are applied."""
    documents = objects.read("cni/flannel")
    for document in documents:
        if document["kind"] == "ConfigMap":
            settings = json.loads(document["data"]["net-conf.json"])
            settings["Network"] = str(cluster.pod_subnet)
            document["data"]["net-conf.json"] = json.dumps(settings, indent=2)
    endpoint = {
        "KUBERNETES_SERVICE_HOST": cluster.endpoint_host,
        "KUBERNETES_SERVICE_PORT": str(cluster.endpoint_port),
    }
    objects.set_environment(documents, endpoint)
    return documents


def without_plugin(documents: list[Json]) -> list[Json]:
    """Return the objects of the network alone: a policy engine brings the CNI plugin."""
    for document in documents:
        if document["kind"] == "ConfigMap":
            del document["data"]["cni-conf.json"]
        if document["kind"] == "DaemonSet":
            pod = document["spec"]["template"]["spec"]
            del pod["initContainers"]
            (container,) = pod["containers"]
            del container["lifecycle"]
            for where in (pod["volumes"], container["volumeMounts"]):
                where[:] = [each for each in where if each["name"] not in CNI_FOLDERS]
    return documents
