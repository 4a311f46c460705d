"""What the APIs of the sample's clusters say: what they are compared by, and their capacity."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from model.capacity import fleet
from model.capacity.reading import ClusterReading, NodeReading, PodReading, Usage
from model.capacity.report import CapacityReport
from model.consistency import comparison, facts
from model.consistency.declaration import Declared
from model.consistency.facts import ClusterFacts, Items, Unread
from model.consistency.report import Consistency
from model.fleet_report import compared
from model.fleet_report.compared import Compared
from model.status.condition import Condition, Severity

# Name, environment, region, Nodes, control planes, version.
Row = tuple[str, str, str, int, int, str]
SILENT = "iris"
LATE = "API unreachable: no answer within 60 s: see docs/runbooks/api-unavailable.md"
FLAGS = {f"--{name}": "true" for name in ("profiling", "leader-elect")}
GIB = 1 << 30


def read(rows: Sequence[Row], now: datetime) -> Compared:
    """Compare the clusters, and judge their capacity."""
    return compared.of_clusters(consistency(rows, now), capacity(rows, now), ["", ""])


def consistency(rows: Sequence[Row], now: datetime) -> Consistency:
    found = [_facts(row) for row in rows]
    declared = {
        row[0]: Declared(
            row[5],
            {facts.VERSIONS: {facts.API: row[5]}},
            {node: {facts.SCHEDULER: FLAGS} for node in _planes(row)},
        )
        for row in rows
    }
    return comparison.consistency(found, declared, now)


def _facts(row: Row) -> ClusterFacts:
    name, _, _, count, _, version = row
    if name == SILENT:
        return ClusterFacts(name, reachable=False, unread=(Unread("", LATE),))
    rules = {f"ClusterRole team-{index}": "4f1c9a02d7e1" for index in range(3)}
    if name == "grove":
        rules["ClusterRole team-1"] = "c07d11e2b5a4"
    if name == "harbor":
        rules["ClusterRoleBinding debug"] = "99ab12cd34ef"
    nodes = {}
    for index in range(count):
        node = f"{name}-{index}"
        settings = {"maxPods": "110", "imageGCHighThresholdPercent": "85"}
        if name == "amber" and index in (3, 7):
            settings["maxPods"] = "250"
        areas: dict[str, Items] = {facts.KUBELET: settings}
        if node in _planes(row):
            areas[facts.SCHEDULER] = {
                **FLAGS,
                **({"--profiling": "false"} if name == "delta" else {}),
                **({"--v": "9"} if name == "delta" and index == 1 else {}),
            }
        nodes[node] = areas
    unread = (Unread(facts.KUBELET, "no answer within 3 s", "cedar-5"),) if name == "cedar" else ()
    areas = {facts.VERSIONS: {facts.API: version}, facts.RBAC: rules}
    return ClusterFacts(name, version=version, areas=areas, nodes=nodes, unread=unread)


def _planes(row: Row) -> list[str]:
    return [f"{row[0]}-{index}" for index in range(row[4])]


def capacity(rows: Sequence[Row], now: datetime) -> CapacityReport:
    clusters = []
    for number, row in enumerate(rows):
        if row[0] == SILENT:
            silent = Condition(
                cluster=row[0], severity=Severity.ERROR, reason="APIUnreachable", message=LATE
            )
            clusters.append(fleet.unread(row[0], {}, [silent]))
        else:
            clusters.append(fleet.of_cluster(_reading(row, number), 20))
    return fleet.of_fleet(clusters, now, 20)


def _reading(row: Row, number: int) -> ClusterReading:
    name, _, _, count, planes, _ = row
    nodes = [
        NodeReading(
            name=f"{name}-{index}",
            pool="control-plane" if index < planes else "workers",
            zone=f"zone-{index % 3}" if count > 8 else "",
            allocatable={"cpu": 8000, "memory": 32 * GIB, "pods": 110},
            labels={},
            taints=({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},)
            if index < planes and count > planes
            else (),
            is_control_plane=index < planes,
        )
        for index in range(count)
    ]
    pods = list(_pods(nodes, 1000 + 300 * (number % 5), name))
    used = {node.name: {"cpu": 1500, "memory": 9 * GIB} for node in nodes}
    usage = Usage(used, {pod.key: {"cpu": 200, "memory": GIB} for pod in pods})
    if name == "lotus":
        usage = Usage(reason="metrics.k8s.io is not served: the cluster has no metrics-server")
    return ClusterReading(name, {}, nodes, pods, usage)


def _pods(nodes: Sequence[NodeReading], cpu: int, name: str) -> Iterator[PodReading]:
    for node in nodes:
        if not node.taints:
            for index in range(5):
                yield PodReading(
                    namespace="shop",
                    name=f"web-{node.name}-{index}",
                    node=node.name,
                    workload=f"Deployment/web-{index}",
                    requests={"cpu": cpu, "memory": 3 * GIB, "pods": 1},
                    limits={},
                    without=("cpu",) if index == 4 and name == "fjord" else (),
                )
    if name == "birch":
        yield PodReading("shop", "waiting", "", "Deployment/big", {"cpu": 16000, "pods": 1}, {})
