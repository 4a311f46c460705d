"""The figures of some Nodes, and their sums."""

from collections.abc import Sequence

from model.capacity.report import Amount, Disks, Figures, FileSystem, Used
from model.capacity.resources import CPU, MEMORY, PODS, STORAGE, Amounts, total

NAMED = (CPU, MEMORY, STORAGE, PODS)


def amount(amounts: Amounts) -> Amount:
    """Return amounts as they stand in the document."""
    return Amount(
        cpu_millicores=amounts.get(CPU, 0),
        memory_bytes=amounts.get(MEMORY, 0),
        ephemeral_storage_bytes=amounts.get(STORAGE, 0),
        pods=amounts.get(PODS, 0),
        other={name: value for name, value in sorted(amounts.items()) if name not in NAMED},
    )


def summed(figures: Sequence[Figures]) -> Figures:
    """Return the figures of all of them together."""
    used = [each.used for each in figures if each.used]
    return Figures(
        nodes=sum(each.nodes for each in figures),
        nodes_taking_pods=sum(each.nodes_taking_pods for each in figures),
        allocatable=_amounts([each.allocatable for each in figures]),
        requests=_amounts([each.requests for each in figures]),
        limits=_amounts([each.limits for each in figures]),
        used=Used(
            cpu_millicores=sum(each.cpu_millicores for each in used),
            memory_bytes=sum(each.memory_bytes for each in used),
        )
        if used
        else None,
        disks=_disks([each.disks for each in figures if each.disks]),
    )


def _amounts(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        cpu_millicores=sum(each.cpu_millicores for each in amounts),
        memory_bytes=sum(each.memory_bytes for each in amounts),
        ephemeral_storage_bytes=sum(each.ephemeral_storage_bytes for each in amounts),
        pods=sum(each.pods for each in amounts),
        other=total(each.other for each in amounts),
    )


def _disks(disks: Sequence[Disks]) -> Disks | None:
    return (
        Disks(
            nodefs=_file_system([each.nodefs for each in disks if each.nodefs]),
            imagefs=_file_system([each.imagefs for each in disks if each.imagefs]),
        )
        if disks
        else None
    )


def _file_system(found: Sequence[FileSystem]) -> FileSystem | None:
    return (
        FileSystem(
            capacity_bytes=sum(each.capacity_bytes for each in found),
            used_bytes=sum(each.used_bytes for each in found),
            fullest_percent=max(each.fullest_percent for each in found),
        )
        if found
        else None
    )
