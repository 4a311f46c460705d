"""A rollout over many Nodes asks for each of them as much as one over few."""

from tests.ops.kube import large_cluster
from tests.ops.rollout.large_rollout import cost

FEW, MANY = 20, 80
# A Node is read in two looks at all of them, when it is to be Ready, and for its labels, which are
# then set: so often it travels.
TIMES = 5


def test_requests_and_bytes_grow_linearly_with_the_nodes() -> None:
    few, many = cost(FEW), cost(MANY)
    assert many.requests <= few.requests * MANY / FEW
    assert many.bytes <= few.bytes * MANY / FEW
    assert (many.bytes - few.bytes) / (MANY - FEW) < (TIMES + 0.5) * large_cluster.NODE_BYTES
