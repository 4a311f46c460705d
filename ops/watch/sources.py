"""What findings are read from: while a source cannot be read, nothing is known of its findings."""

from functools import partial

NODES, PODS, ADD_ONS = "nodes", "pods", "add-ons"
ETCD, SERVING, RIGHTS = "etcd-size", "serving", "rights"
# What metrics-server measures.
MEASURED = "measured"
# This host's clock, compared with an API server's.
CLOCK = "clock"
# Those of several API servers, compared with each other.
SERVERS = "server-clocks"
# All objects that a run applied.
OBJECTS = "objects"
# By the name that state files have.
REGISTRATIONS = "metrics"


def of(source: str, name: str) -> str:
    """Return the source that is about one Node, or another thing that has a name."""
    return f"{source}:{name}"


COMPONENT, HOST, NETWORK = (partial(of, each) for each in ("component", "host", "network"))
# Whether a kubelet answers the API server, and metrics-server.
KUBELET, MEASUREMENT = (partial(of, each) for each in ("kubelet", "measurement"))
# Objects of one kind, and those that were applied together.
OBJECT, SIBLINGS = (partial(of, each) for each in ("object", "siblings"))
