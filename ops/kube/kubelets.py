"""Asking the kubelets of a cluster, each by way of the API server, which passes on the question.

An API server waits for each of them: some Nodes of a cluster are asked at a time, and of many
clusters fewer each. Who may only read objects may not ask kubelets: that takes `nodes/proxy`.
"""

# How many Nodes are asked at a time: of all clusters together, and of one. For how long each.
PARALLEL_NODES, MOST_OF_CLUSTER, LEAST_OF_CLUSTER = 128, 8, 2
NODE_SECONDS = 3.0


def parallel(clusters: int) -> int:
    """Return how many Nodes of each of so many clusters are asked at a time."""
    return min(MOST_OF_CLUSTER, max(LEAST_OF_CLUSTER, PARALLEL_NODES // max(1, clusters)))


def path(node: str, question: str) -> str:
    """Return the path of what a kubelet is asked."""
    return f"/api/v1/nodes/{node}/proxy/{question}"
