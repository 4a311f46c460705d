"""calico: the objects of Calico's own VXLAN network, and of its policy engine, for one cluster.

Each Node has its share of the pod subnet from the controller manager, as with flannel. With such
shares Calico sets no tunnel address by itself (node/pkg/allocateip of the release), and Felix sends
nothing to a Node without one: the Node announces its own.
"""

from model.api_objects import Json
from model.cni import calico
from model.fleet import Cluster
from model.ports import VXLAN_PORTS
from model.render import objects

# Of the engine that stands beside another network, and of this one: the device, the file that has
# the Node's share, and the CNI configuration.
CHANGES = {
    "TUNNEL": "vxlan.calico",
    "SHARE": "/run/calico/share",
    "CONFLIST": "10-calico.conflist",
    "FELIX_VXLANENABLED": "true",
}
FLANNEL = "flannel"


def render(cluster: Cluster) -> list[Json]:
    """Return the objects, in the order in which they are applied."""
    pool, announcer = objects.read("cni/calico-vxlan")
    pool["spec"]["cidr"] = str(cluster.pod_subnet)
    documents = calico.render(cluster)
    (daemon,) = (each for each in documents if each["kind"] == "DaemonSet")
    pod = daemon["spec"]["template"]["spec"]
    addition = announcer["spec"]
    pod["initContainers"] += addition["initContainers"]
    pod["volumes"] = [each for each in pod["volumes"] if each["name"] != FLANNEL]
    pod["volumes"] += addition["volumes"]
    (felix,) = pod["containers"]
    felix["volumeMounts"] = [each for each in felix["volumeMounts"] if each["name"] != FLANNEL]
    felix["env"].append({"name": "FELIX_VXLANPORT", "value": str(VXLAN_PORTS["calico"])})
    objects.set_environment(documents, CHANGES)
    # Felix reads the pool when it starts; its kind is defined by then.
    documents.insert(documents.index(daemon), pool)
    return documents
