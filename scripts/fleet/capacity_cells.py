"""Amounts and figures as cells of a table, as kube-capacity writes them.

https://github.com/robscott/kube-capacity
"""

from collections.abc import Callable
from typing import NamedTuple

from model.capacity.report import Amount, Disks, Figures, FileSystem, Used

MIB = 1 << 20
UNKNOWN = "-"
# Stands for all clusters, pools, nodes or pods.
ALL = "*"


class Row(NamedTuple):
    """What a row of resources is about; None: it is not known, or there is none."""

    allocatable: Amount
    requests: Amount
    limits: Amount
    used: Used | None
    disks: Disks | None = None


Column = tuple[str, Callable[[Row], str]]


def row_of(figures: Figures) -> Row:
    """Return the row of some Nodes."""
    return Row(figures.allocatable, figures.requests, figures.limits, figures.used, figures.disks)


def cpu(millicores: int, whole: int) -> str:
    """Return CPU, and its share of a whole."""
    return f"{millicores}m ({share(millicores, whole)})"


def memory(size: int, whole: int) -> str:
    """Return bytes in Mi, rounded up, and their share of a whole."""
    return f"{mebibytes(size)} ({share(size, whole)})"


def mebibytes(size: int) -> str:
    """Return bytes in Mi, rounded up."""
    return f"{-(-size // MIB)}Mi"


def share(part: int, whole: int) -> str:
    """Return a share in percent; a dash of nothing."""
    return f"{round(100 * part / whole)}%" if whole else UNKNOWN


def _cpu_used(row: Row) -> str:
    return cpu(row.used.cpu_millicores, row.allocatable.cpu_millicores) if row.used else UNKNOWN


def _memory_used(row: Row) -> str:
    return memory(row.used.memory_bytes, row.allocatable.memory_bytes) if row.used else UNKNOWN


def _storage(part: Amount, row: Row) -> str:
    return memory(part.ephemeral_storage_bytes, row.allocatable.ephemeral_storage_bytes)


def _nodefs(row: Row) -> str:
    return _file_system(row.disks.nodefs if row.disks else None)


def _imagefs(row: Row) -> str:
    return _file_system(row.disks.imagefs if row.disks else None)


def _file_system(found: FileSystem | None) -> str:
    return memory(found.used_bytes, found.capacity_bytes) if found else UNKNOWN


def _fullest(row: Row) -> str:
    found = (row.disks.nodefs, row.disks.imagefs) if row.disks else ()
    percents = [each.fullest_percent for each in found if each]
    return f"{round(max(percents))}%" if percents else UNKNOWN


def _other(row: Row) -> str:
    names = {**row.allocatable.other, **row.requests.other}
    found = (
        f"{name}={row.requests.other.get(name, 0)}/{row.allocatable.other.get(name, 0)}"
        for name in names
    )
    return ",".join(each for each in found if not each.endswith("=0/0")) or UNKNOWN


COLUMNS: tuple[Column, ...] = (
    ("CPU REQUESTS", lambda row: cpu(row.requests.cpu_millicores, row.allocatable.cpu_millicores)),
    ("CPU LIMITS", lambda row: cpu(row.limits.cpu_millicores, row.allocatable.cpu_millicores)),
    ("CPU UTIL", _cpu_used),
    (
        "MEMORY REQUESTS",
        lambda row: memory(row.requests.memory_bytes, row.allocatable.memory_bytes),
    ),
    ("MEMORY LIMITS", lambda row: memory(row.limits.memory_bytes, row.allocatable.memory_bytes)),
    ("MEMORY UTIL", _memory_used),
    ("POD COUNT", lambda row: f"{row.requests.pods}/{row.allocatable.pods}"),
)
WIDE_COLUMNS: tuple[Column, ...] = (
    ("CPU ALLOCATABLE", lambda row: f"{row.allocatable.cpu_millicores}m"),
    ("MEMORY ALLOCATABLE", lambda row: mebibytes(row.allocatable.memory_bytes)),
    ("STORAGE REQUESTS", lambda row: _storage(row.requests, row)),
    ("STORAGE LIMITS", lambda row: _storage(row.limits, row)),
    ("STORAGE ALLOCATABLE", lambda row: mebibytes(row.allocatable.ephemeral_storage_bytes)),
    ("OTHER", _other),
)
# How full the file systems of kubelets are, and of several Nodes, the fullest one.
DISK_COLUMNS: tuple[Column, ...] = (("NODEFS UTIL", _nodefs), ("IMAGEFS UTIL", _imagefs))
FULLEST: Column = ("FULLEST DISK", _fullest)
