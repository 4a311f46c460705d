"""What findings are read from: while a source cannot be read, nothing is known of its findings."""

from functools import partial

NODES, PODS, ADD_ONS = "nodes", "pods", "add-ons"
ETCD, SERVING, RIGHTS = "etcd-size", "serving", "rights"
# What metrics-server measures.
MEASURED = "measured"
# By the name that state files have.
REGISTRATIONS = "metrics"


def of_node(source: str, node: str) -> str:
    """Return the source that is about one Node."""
    return f"{source}:{node}"


COMPONENT, HOST, NETWORK = (partial(of_node, each) for each in ("component", "host", "network"))
# Whether a kubelet answers the API server, and metrics-server.
KUBELET, MEASUREMENT = (partial(of_node, each) for each in ("kubelet", "measurement"))
