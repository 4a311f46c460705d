"""How full the disks of Nodes are, as kubelets say, and what is said of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from model.capacity.figures import summed
from model.capacity.report import ClusterCapacity, Disks, FileSystem
from model.plural import counted
from model.status.condition import Condition, Severity


@dataclass(frozen=True, slots=True)
class FileSystemReading:
    """A file system, in bytes."""

    capacity: int
    available: int


@dataclass(frozen=True, slots=True)
class DiskReading:
    """The file systems of a kubelet; None where it does not say."""

    nodefs: FileSystemReading | None
    imagefs: FileSystemReading | None


@dataclass(frozen=True, slots=True)
class DisksReading:
    """Those of a cluster by Node, and why the other Nodes' are not known."""

    nodes: Mapping[str, DiskReading] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def with_disks(found: ClusterCapacity, read: DisksReading) -> ClusterCapacity:
    """Return what is said of a cluster, with its Nodes' disks and their sums."""
    nodes = [
        node.model_copy(
            update={"figures": node.figures.model_copy(update={"disks": _disks(read, node.name)})}
        )
        for node in found.nodes
    ]
    pools = [
        pool.model_copy(
            update={"figures": summed([node.figures for node in nodes if node.pool == pool.name])}
        )
        for pool in found.pools
    ]
    update = {
        "nodes": nodes,
        "pools": pools,
        "figures": summed([node.figures for node in nodes]),
        "conditions": [*found.conditions, *_conditions(found.name, read)],
    }
    return found.model_copy(update=update)


def _disks(read: DisksReading, name: str) -> Disks | None:
    disk = read.nodes.get(name)
    return (
        Disks(nodefs=_file_system(disk.nodefs), imagefs=_file_system(disk.imagefs))
        if disk
        else None
    )


def _file_system(read: FileSystemReading | None) -> FileSystem | None:
    if read is None:
        return None
    used = read.capacity - read.available
    return FileSystem(
        capacity_bytes=read.capacity,
        used_bytes=used,
        fullest_percent=round(100 * used / read.capacity, 1),
    )


def _conditions(cluster: str, read: DisksReading) -> Iterator[Condition]:
    for node, reason in [*read.unread.items()][:1]:
        yield Condition(
            cluster=cluster,
            severity=Severity.INFO,
            reason="DisksUnknown",
            message=f"what is used of disks is not known of {counted(len(read.unread), 'node')}, "
            f"and missing in the sums: {node}: {reason}",
        )
