"""Amounts and figures as cells of a table, as kube-capacity writes them.

https://github.com/robscott/kube-capacity
"""

from collections.abc import Callable

from model.capacity.report import Amount, Figures, Used

MIB = 1 << 20
UNKNOWN = "-"
# Stands for all clusters, pools, nodes or pods.
ALL = "*"

# What a row of resources is about: allocatable, requests, limits, and what is used.
Row = tuple[Amount, Amount, Amount, Used | None]
Column = tuple[str, Callable[[Row], str]]


def row_of(figures: Figures) -> Row:
    """Return the row of some Nodes."""
    return figures.allocatable, figures.requests, figures.limits, figures.used


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
    return cpu(row[3].cpu_millicores, row[0].cpu_millicores) if row[3] else UNKNOWN


def _memory_used(row: Row) -> str:
    return memory(row[3].memory_bytes, row[0].memory_bytes) if row[3] else UNKNOWN


def _storage(row: Row) -> str:
    return memory(row[1].ephemeral_storage_bytes, row[0].ephemeral_storage_bytes)


def _other(row: Row) -> str:
    names = {**row[0].other, **row[1].other}
    found = (f"{name}={row[1].other.get(name, 0)}/{row[0].other.get(name, 0)}" for name in names)
    return ",".join(each for each in found if not each.endswith("=0/0")) or UNKNOWN


COLUMNS: tuple[Column, ...] = (
    ("CPU REQUESTS", lambda row: cpu(row[1].cpu_millicores, row[0].cpu_millicores)),
    ("CPU LIMITS", lambda row: cpu(row[2].cpu_millicores, row[0].cpu_millicores)),
    ("CPU UTIL", _cpu_used),
    ("MEMORY REQUESTS", lambda row: memory(row[1].memory_bytes, row[0].memory_bytes)),
    ("MEMORY LIMITS", lambda row: memory(row[2].memory_bytes, row[0].memory_bytes)),
    ("MEMORY UTIL", _memory_used),
    ("POD COUNT", lambda row: f"{row[1].pods}/{row[0].pods}"),
)
WIDE_COLUMNS: tuple[Column, ...] = (
    ("CPU ALLOCATABLE", lambda row: f"{row[0].cpu_millicores}m"),
    ("MEMORY ALLOCATABLE", lambda row: mebibytes(row[0].memory_bytes)),
    ("STORAGE REQUESTS", _storage),
    ("STORAGE ALLOCATABLE", lambda row: mebibytes(row[0].ephemeral_storage_bytes)),
    ("OTHER", _other),
)
