"""The benchmark's items on the terminal: what fails first, machines with one result together."""

from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from model.cis.item import State, listed
from model.cis.report import Report, Result

ORDER = {State.FAIL: 0, State.MANUAL: 1, State.PASS: 2}
NO_MACHINE = "-"


def results(found: Report, *, failed_only: bool, with_passed: bool, wide: bool) -> Table:
    """Return a row for each item and result of a cluster, below what could not be read."""
    columns = ("CLUSTER", "ITEM", "RESULT", "NODES", "TITLE", "FOUND")
    table = _table(*columns, *(("REMEDY",) if wide else ()))
    shown = {State.FAIL} if failed_only else {State.FAIL, State.MANUAL}
    shown |= {State.PASS} if with_passed and not failed_only else set()
    for cluster in found.clusters:
        for unknown in found.unreadable:
            if unknown.cluster == cluster.cluster:
                reason = unknown.reason.splitlines()[0]
                place = unknown.node or NO_MACHINE
                _add(table, unknown.cluster, "-", "<unknown>", place, "-", reason, "-")
        of_cluster = [
            result
            for result in found.results
            if result.cluster == cluster.cluster and result.state in shown
        ]
        for nodes, result in _together(of_cluster):
            shown_state = result.cluster, result.item, result.state.value, nodes
            _add(table, *shown_state, result.title, result.found, result.remedy or "-")
    return table


def summaries(found: Report) -> Table:
    """Return a row for each cluster: how many items are in each state."""
    table = _table("CLUSTER", "PASS", "FAIL", "MANUAL", "UNKNOWN", "BENCHMARK")
    for row in found.clusters:
        counts = (row.passed, row.failed, row.manual, row.unknown)
        table.add_row(row.cluster, *map(str, counts), f"CIS Kubernetes {found.benchmark}")
    return table


def _together(of_cluster: Iterable[Result]) -> Iterator[tuple[str, Result]]:
    """Yield each result once, with the machines that have it; what fails first."""
    nodes: dict[tuple[str, State, str], list[str]] = {}
    first: dict[tuple[str, State, str], Result] = {}
    for result in of_cluster:
        key = result.item, result.state, result.found
        nodes.setdefault(key, []).append(result.node)
        first.setdefault(key, result)
    for key, result in sorted(first.items(), key=lambda pair: ORDER[pair[1].state]):
        yield listed(filter(None, nodes[key])) or NO_MACHINE, result


def _add(table: Table, *cells: str) -> None:
    """Add a row, without the remedy if the table has no column for it; brackets are no markup."""
    table.add_row(*(Text(cell) for cell in cells[: len(table.columns)]))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
