"""`fleet capacity`: the clusters of a view, asked and shown."""

from dataclasses import dataclass

import click

from scripts.fleet import capacity_rows, capacity_table, fleet_capacity, status_cache, targets
from scripts.fleet.fleet_capacity import Over
from scripts.fleet.options import View

INCOMPLETE = 1


@dataclass(frozen=True)
class Shown:
    """Whose rows are shown, with which parts; `reserve` is what is to remain free, in percent."""

    by: str
    pods: bool
    workloads: bool
    disks: bool
    reserve: float
    over: Over | None = None


def show(stack: str, view: View, shown: Shown) -> int:
    """Print the capacity once; return the exit status."""
    if view.kubeconfig is not None:
        found = targets.of_kubeconfig(view.kubeconfig, view.clusters)
    else:
        cache = status_cache.of_stack(stack)
        found = targets.of_stack(stack, cache, view.selector, view.clusters)
        cache.save()
    report = fleet_capacity.gather(
        found,
        view.seconds,
        shown.reserve,
        pods=shown.pods,
        disks=shown.disks,
        over=shown.over,
    )
    if view.output in ("json", "yaml"):
        from scripts.fleet.report import print_document

        print_document(report, view.output)
    else:
        wide = view.output == "wide"
        lines = capacity_table.text(
            report,
            shown.by,
            capacity_rows.columns(shown.by, wide=wide, disks=shown.disks),
            headers=view.headers,
            workloads=shown.workloads,
        )
        for line in lines:
            click.echo(line)
    return 0 if report.is_complete else INCOMPLETE
