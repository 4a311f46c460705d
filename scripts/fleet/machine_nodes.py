"""The Nodes of running clusters, compared with the machines of the stack's file."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from ops.errors import OperatorError
from ops.pulumi.workspace import open_workspace
from scripts.fleet.nodes import NodeRow


def machines_of(stack: str) -> dict[str, Collection[str]]:
    """Return the names of each cluster's machines, as the stack's file has them."""
    from scripts.fleet.explanation import clusters_of

    clusters = clusters_of(open_workspace(stack).tracked_config)
    return {
        name: [machine.name for machine in cluster.machines] for name, cluster in clusters.items()
    }


def read_rotations(rows: Sequence[NodeRow], stack: str) -> list[str]:
    """Return a line for each rotation that is under way in the clusters of these rows."""
    from scripts.fleet.explanation import clusters_of
    from scripts.fleet.rotation_status import under_way

    try:
        clusters = clusters_of(open_workspace(stack).tracked_config)
    except OperatorError:
        # `read_differences` says why.
        return []
    rotations = {name: cluster.rotations for name, cluster in clusters.items()}
    return list(under_way(rotations, stack, {row.cluster for row in rows}))


def read_exceptions(rows: Sequence[NodeRow], stack: str) -> list[str]:
    """Return a line for each security setting of these rows' clusters that is weaker than usual."""
    from model import security_settings
    from model.security_exceptions import weaker_than_default
    from scripts.fleet.explanation import clusters_of

    try:
        clusters = clusters_of(open_workspace(stack).tracked_config)
    except OperatorError:
        # `read_differences` says why.
        return []
    shown = {row.cluster for row in rows}
    return [
        f"{name}: {each}"
        for name, cluster in clusters.items()
        if name in shown
        for each in weaker_than_default(
            security_settings.of(cluster.settings.security),
            cluster.settings.networking.network_policy,
            cluster.settings,
            [machine.pool.kubelet for machine in cluster.machines],
        )
    ]


def read_differences(rows: Sequence[NodeRow], stack: str, *, selected: bool) -> list[str]:
    """Return a line for each Node without a machine, and for each machine without a Node.

    With `selected`, the rows are not those of all clusters.
    """
    try:
        machines = machines_of(stack)
    except OperatorError as error:
        return [f"the Nodes could not be compared with the stack's file: {error}"]
    shown = {row.cluster for row in rows}
    created = {name: nodes for name, nodes in machines.items() if name in shown or not selected}
    return list(differences(rows, created))


def differences(rows: Sequence[NodeRow], machines: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield the differences between Nodes and machines; unreachable clusters have none."""
    nodes: dict[str, set[str]] = {}
    for row in rows:
        nodes.setdefault(row.cluster, set()).update([row.name] if row.is_node else [])
    for cluster in sorted(machines.keys() - nodes.keys()):
        yield f"{cluster}: in the stack's file, but it does not exist: `fleet up` creates it"
    for cluster in sorted(nodes.keys() - machines.keys()):
        yield f"{cluster}: not in the stack's file: the next `fleet up` destroys it"
    answered = {row.cluster for row in rows if row.answered}
    for cluster in sorted(answered & machines.keys()):
        expected = set(machines[cluster])
        for name in sorted(nodes[cluster] - expected):
            yield (
                f"{cluster}/{name}: a Node without a machine in the stack's file. If it was "
                "removed from the file, it leaves with the next `fleet up`; otherwise it can run "
                "pods and read their Secrets: see docs/runbooks/host-unreachable.md"
            )
        for name in sorted(expected - nodes[cluster]):
            yield (
                f"{cluster}/{name}: a machine in the stack's file without a Node: run `fleet "
                "refresh`, then `fleet up`, which creates it"
            )
