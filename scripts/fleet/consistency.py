"""`fleet consistency` and `fleet diff`: clusters of a view, read, compared and shown."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from model.consistency import comparison
from model.consistency.declaration import Declared
from model.consistency.report import Consistency, Difference
from ops import fan_out
from ops.errors import OperatorError
from ops.kube.cluster_facts import gather
from scripts.fleet import consistency_table, declared_clusters, status_cache, targets
from scripts.fleet.options import View
from scripts.fleet.targets import Target

DIFFERENT, UNREAD = 1, 2
# How much longer than clusters the config may take, which is loaded beside them.
CONFIG_SECONDS = 1.0


def show(stack: str, view: View, *, every: bool) -> int:
    """Print the matrix once; return the exit status."""
    found = read(stack, view, every=every)
    if view.output in ("json", "yaml"):
        from scripts.fleet.report import print_document

        print_document(found, view.output)
    else:
        wide = view.output == "wide"
        for line in consistency_table.text(found, wide=wide, headers=view.headers):
            click.echo(line)
    if found.has_differences:
        return DIFFERENT
    return 0 if found.is_complete else UNREAD


def read(stack: str, view: View, *, every: bool = False) -> Consistency:
    """Ask the clusters of a view and compare them, those of a stack with its config first."""
    if view.kubeconfig is not None:
        chosen = targets.of_kubeconfig(view.kubeconfig, view.clusters)
        return compare(None, chosen, view.seconds, every=every)
    cache = status_cache.of_stack(stack)
    chosen = targets.of_stack(stack, cache, view.selector, view.clusters)
    cache.save()
    return compare(stack, chosen, view.seconds, every=every)


def compare(
    stack: str | None, chosen: Sequence[Target], seconds: float, *, every: bool = False
) -> Consistency:
    """Ask these clusters and compare them, those of a stack with its config first.

    Raises OperatorError if nothing can be said of any of them.
    """
    if stack is None:
        facts = gather(chosen, seconds)
        return comparison.consistency(facts, {}, datetime.now(UTC), every=every)
    names = {target.name for target in chosen}
    parts: list[Callable[[], Any]] = [
        partial(gather, chosen, seconds),
        partial(of_config, stack, names),
    ]
    answers = fan_out.ask(parts, lambda part: part(), seconds + CONFIG_SECONDS)
    if answers[0].value is None:
        raise OperatorError(f"the clusters could not be read: {answers[0].error}")
    reason = "" if answers[1].value is not None else f"the config: {answers[1].error}"
    return comparison.consistency(
        answers[0].value, answers[1].value or {}, datetime.now(UTC), every=every, reason=reason
    )


def of_config(stack: str, names: set[str]) -> Mapping[str, Declared]:
    """Return what the stack's file declares of clusters; raise OperatorError."""
    from model.consistency.declared import declared
    from model.consistency.shared_facts import SharedFacts

    clusters, shared = declared_clusters.of_stack(stack), SharedFacts()
    return {each.name: declared(each, shared) for each in clusters if each.name in names}


def show_difference(
    stack: str, names: tuple[str, str], kubeconfig: Path | None, seconds: float, output: str,
    *, headers: bool,
) -> int:  # fmt: skip
    """Print what differs between two clusters; return the exit status."""
    found = read_difference(stack, names, kubeconfig, seconds)
    if output in ("json", "yaml"):
        from scripts.fleet.report import print_document

        print_document(found, output)
    else:
        for line in consistency_table.difference(found, headers=headers):
            click.echo(line)
    if found.fields:
        return DIFFERENT
    return 0 if found.is_complete else UNREAD


def read_difference(
    stack: str, names: tuple[str, str], kubeconfig: Path | None, seconds: float
) -> Difference:
    """Ask two clusters, or contexts of a kubeconfig, and compare every field."""
    chosen: list[Target]
    if kubeconfig is not None:
        chosen = targets.of_kubeconfig(kubeconfig, names)
    else:
        cache = status_cache.of_stack(stack)
        chosen = targets.of_stack(stack, cache, names=names)
        cache.save()
    by_name = {target.name: target for target in chosen}
    a, b = gather([by_name[name] for name in names], seconds, fields=True)
    return comparison.difference(a, b, datetime.now(UTC))
