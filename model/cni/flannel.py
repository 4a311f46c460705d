"""flannel: the objects of its VXLAN network, for one cluster."""

import json

from model.fleet import Cluster
from model.render import objects


def render(cluster: Cluster) -> str:
    """Return the objects as YAML documents."""
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
    return objects.dump(documents)
