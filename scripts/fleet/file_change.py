"""A change that a command makes in the stack's file: its difference, its preview and its run."""

import difflib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import click

from model.selectors import LabelSelector
from ops.private_file import rewrite
from ops.pulumi.engine import Engine
from scripts.fleet.access import save_identities_for_rotation
from scripts.fleet.changes import Changes
from scripts.fleet.engine_run import PlanOutput, run

FLEET = ("config", "kubeadm-fleet:fleet", "clusters")


def preview(
    engine: Engine,
    text: str,
    question: str,
    warn: Callable[[Changes], str] = lambda _changes: "",
) -> None:
    """Write the file, show what it changes, and ask; after a no, the file is as it was.

    `warn` returns what the person should know of the plan, "" if nothing.
    """
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    rewrite(file, text)
    try:
        # The engine reads a copy of the file.
        engine.prepare()
        save_identities_for_rotation(engine)
        changes = run(engine, "preview", PlanOutput())
        if warning := warn(changes):
            click.echo(warning, err=True)
        if question:
            click.confirm(question, abort=True, err=True)
    except BaseException:
        rewrite(file, former)
        click.echo(f"{file.name} is unchanged", err=True)
        raise


def up(stack: str) -> None:
    """Apply the stack's file."""
    from scripts.fleet.commands import up as command

    context = click.get_current_context()
    context.invoke(
        command.command,
        stack=stack,
        option=stack,
        yes=True,
        wait=False,
        verbose=False,
        plan_file=None,
    )


def selected(
    engine: Engine, clusters: Collection[str], selector: LabelSelector | None
) -> Collection[str]:
    """Return the clusters that are named, or that the selector matches; raises OperatorError."""
    from scripts.fleet.access import matching_clusters

    return clusters if selector is None else matching_clusters(engine, selector)


def clusters(document: Any) -> Mapping[str, Any]:
    """Return the clusters of a stack's file."""
    for key in FLEET:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def show_difference(file: Path, former: str, text: str) -> None:
    """Show what is changed in the file."""
    lines = difflib.unified_diff(
        former.splitlines(), text.splitlines(), file.name, file.name, lineterm="", n=1
    )
    for line in lines:
        click.echo(line, err=True)
