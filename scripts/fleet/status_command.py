"""`fleet status` and `fleet describe`: the clusters of a view, asked and shown."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import click

from model.status.fleet import FleetStatus
from ops.errors import OperatorError
from scripts.fleet import fleet_status, stack_status, status_cache, status_table, targets
from scripts.fleet.options import View
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import Target

UNHEALTHY = 1


def show(stack: str, view: View, *, nodes: bool) -> int:
    """Print the status once; return the exit status."""
    status, _ = read(stack, view)
    if view.output in ("json", "yaml"):
        from scripts.fleet.report import print_document

        print_document(status, view.output)
    else:
        wide = view.output == "wide"
        for line in status_table.text(status, wide=wide, nodes=nodes, headers=view.headers):
            click.echo(line)
    return 0 if status.is_healthy else UNHEALTHY


def read(stack: str, view: View) -> tuple[FleetStatus, list[Target]]:
    """Ask the clusters of a view; return their status, and the clusters, to ask them more."""
    found, cache = chosen(stack, view)
    return ask(stack, view, found, cache), found


def chosen(stack: str, view: View) -> tuple[list[Target], StatusCache]:
    """Return the clusters of a view, and what is kept of them between runs."""
    if view.kubeconfig is not None:
        cache = status_cache.of_kubeconfig(view.kubeconfig)
        return targets.of_kubeconfig(view.kubeconfig, view.clusters), cache
    cache = status_cache.of_stack(stack)
    return targets.of_stack(stack, cache, view.selector, view.clusters), cache


def ask(stack: str, view: View, found: Sequence[Target], cache: StatusCache) -> FleetStatus:
    """Ask these clusters, and keep what they said."""
    if view.kubeconfig is not None:
        status = fleet_status.ask(found, view.seconds, cache).status
        unknown = [*status.conditions, fleet_status.without_declaration()]
        status = status.model_copy(update={"conditions": unknown})
    else:
        status = _of_stack(stack, view, found, cache)
    cache.save()
    return status


def _of_stack(stack: str, view: View, found: Sequence[Target], cache: StatusCache) -> FleetStatus:
    beside = None
    with suppress(OperatorError):  # `with_stack` says why.
        if stack_status.declared(stack, cache)["people"]:
            beside = _revoked(stack, cache)
    objects = stack_status.DeclaredObjects(stack, cache)
    asked = fleet_status.ask(found, view.seconds, cache, beside, objects.of)
    revoked: list[str] = (asked.beside.value or []) if asked.beside else []
    return stack_status.with_stack(
        asked.status,
        stack,
        cache,
        revoked,
        is_selection=bool(view.selector or view.clusters),
    )


def _revoked(stack: str, cache: StatusCache) -> Callable[[], list[str]]:
    def ask() -> list[str]:
        from scripts.fleet import revoked_access

        return revoked_access.read(stack, targets.stack_files(stack, cache))

    return ask
