"""The objects of metrics-server, except for those that register it at the API.

model/aggregated_api.py has those. https://github.com/kubernetes-sigs/metrics-server
"""

from model.aggregated_api import AggregatedApi
from model.api_objects import Json
from model.fleet import Cluster
from model.own_namespaces import CONTROL_PLANE_NAMESPACE
from model.render import hardening, objects

NAME = "metrics-server"
API = AggregatedApi("metrics.k8s.io", "v1beta1", CONTROL_PLANE_NAMESPACE, NAME)
# Where there is more than one control plane, one that fails must not end the metrics.
REPLICAS = 2


def metrics_server(cluster: Cluster) -> str:
    """Return its objects as YAML documents; "" if the cluster has none."""
    found = metrics_objects(cluster)
    return objects.dump(found) if found else ""


def metrics_objects(cluster: Cluster) -> list[Json]:
    """Return its objects, in the order in which they are applied; none if the cluster has none."""
    if not cluster.metrics_server:
        return []
    documents = objects.read(f"add-ons/{NAME}")
    (spec,) = (each["spec"] for each in documents if each["kind"] == "Deployment")
    if len(cluster.control_planes) > 1:
        spec["replicas"] = REPLICAS
    (container,) = spec["template"]["spec"]["containers"]
    tls = hardening.tls(cluster.security)
    container["args"] += [f"--{flag}={value}" for flag, value in tls.items()]
    if cluster.enforces_policies:
        documents += objects.read(f"add-ons/{NAME}-policy")
    return documents
