"""How full disks are: of Nodes, in sums, and where it is not known."""

from datetime import UTC, datetime

from model.capacity import fleet
from model.capacity.disks import DiskReading, DisksReading, FileSystemReading, with_disks
from model.capacity.report import ClusterCapacity, Figures, FileSystem
from model.status.condition import Severity
from tests.model.capacity.readings import GIB, cluster, node

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def disk(capacity: int, used: int) -> FileSystemReading:
    """A file system of so many GiB."""
    return FileSystemReading(capacity * GIB, (capacity - used) * GIB)


def read(disks: DisksReading) -> ClusterCapacity:
    nodes = [node("a"), node("b"), node("c", pool="other")]
    return with_disks(fleet.of_cluster(cluster(nodes, []), 20), disks)


def nodefs(figures: Figures) -> FileSystem:
    assert figures.disks is not None
    assert figures.disks.nodefs is not None
    return figures.disks.nodefs


KNOWN = DisksReading(
    {
        "a": DiskReading(disk(100, 90), disk(10, 1)),
        "b": DiskReading(disk(300, 30), None),
        "c": DiskReading(disk(100, 20), disk(20, 20)),
    }
)


def test_sums_hide_a_full_disk_and_the_fullest_one_tells_it() -> None:
    found = read(KNOWN)
    pool = found.pools[1]
    assert (pool.name, found.pools[0].name) == ("workers", "other")
    assert nodefs(pool.figures).used_bytes == 120 * GIB
    assert nodefs(pool.figures).capacity_bytes == 400 * GIB
    assert nodefs(pool.figures).fullest_percent == 90
    assert nodefs(found.figures).used_bytes == 140 * GIB
    assert found.figures.disks is not None
    assert found.figures.disks.imagefs is not None
    assert found.figures.disks.imagefs.fullest_percent == 100
    whole = fleet.of_fleet([found, found], NOW, 20)
    assert nodefs(whole.figures).capacity_bytes == 1000 * GIB


def test_what_one_node_does_not_say_is_in_no_sum() -> None:
    found = read(KNOWN)
    assert found.nodes[1].figures.disks is not None
    assert found.nodes[1].figures.disks.imagefs is None
    assert found.figures.disks is not None
    assert found.figures.disks.imagefs is not None
    assert found.figures.disks.imagefs.capacity_bytes == 30 * GIB


def test_nodes_that_are_not_known_are_counted_and_one_is_named() -> None:
    found = read(DisksReading({"a": KNOWN.nodes["a"]}, {"b": "no answer", "c": "refused"}))
    assert found.nodes[1].figures.disks is None
    told = found.conditions[-1]
    assert (told.reason, told.severity) == ("DisksUnknown", Severity.INFO)
    assert "of 2 nodes" in told.message
    assert "b: no answer" in told.message


def test_without_an_answer_there_is_no_figure() -> None:
    found = read(DisksReading({}, {"a": "no"}))
    assert found.figures.disks is None
    assert {each.figures.disks for each in found.pools} == {None}
