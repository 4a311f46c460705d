"""Rotations of CAs and keys: the phase in the stack's file, its preview and its run."""

import difflib
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from model.rotation_phases import FINISH, NEXT, PREPARE, config_key
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.private_file import rewrite
from ops.pulumi import stack_yaml
from ops.pulumi.engine import Engine
from ops.pulumi.stack_edit import with_value
from ops.pulumi.stack_file import read
from scripts.fleet import rotation_status
from scripts.fleet.access import save_identities_for_rotation
from scripts.fleet.engine_run import PlanOutput, RunFailed, existing_engine, run

FLEET = ("config", "kubeadm-fleet:fleet", "clusters")
CA = "ca"
ACKNOWLEDGED = "an immediate rotation"
CONTINUE = (
    "The phases are in the stack's file: once a `fleet up` succeeds, repeat this command, which "
    "continues with the next one."
)
# What an immediate rotation breaks.
BREAKS = {
    "ca": "kubeconfigs that were handed over stop working until they are issued again, and pods "
    "that read the CA only when they start lose the API until they are restarted",
    "etcd-ca": "tools outside the cluster that connect to etcd stop working until they get its "
    "new CA and a certificate of it",
    "front-proxy-ca": "nothing is known to break",
    "service-account": "pods lose the API until their tokens are replaced, within an hour, and "
    "tokens in Secrets are refused until they are created again",
}


def rotate(
    stack: str,
    subject: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    phase: str | None,
    *,
    write_only: bool,
    yes: bool,
) -> None:
    """Take a subject of these clusters to a phase, or to the one that follows in the file."""
    engine = existing_engine(stack)
    if not (write_only or yes or sys.stdin.isatty()):
        raise OperatorError(
            "there is no terminal for the question whether to apply the phase: use --yes, or "
            "--write-only and commit the file"
        )
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    names = _selected(engine, clusters, selector)
    if phase is None:
        _require_one_phase(_phases(_clusters(read(file)), subject, names), subject)
    text = edited(former, _clusters(read(file)), subject, names, phase)
    _show_difference(file, former, text)
    rewrite(file, text)
    if write_only:
        click.echo(
            f"{file.name} is written, and nothing was run: `fleet preview {stack}` shows what the "
            "phase changes, `fleet up` applies it",
            err=True,
        )
        return
    try:
        # The engine reads a copy of the file.
        engine.prepare()
        save_identities_for_rotation(engine)
        is_changed = run(engine, "preview", PlanOutput()).any or text != former
        if is_changed and not yes:
            click.confirm(f"Apply these changes to {stack}?", abort=True, err=True)
    except BaseException:
        rewrite(file, former)
        raise
    _up(stack)
    phases = _phases(_clusters(read(file)), subject, names)
    click.echo()
    for name, reached in phases.items():
        click.echo(f"{name}: {rotation_status.following(stack, name, subject, reached)}")
    if subject == CA and PREPARE in phases.values():
        click.echo(pinned(engine.outputs(), names))


def pinned(outputs: Mapping[str, Any], names: Collection[str]) -> str:
    """Say which kubeconfigs know the former CA of these clusters alone."""
    people: Mapping[str, Any] = outputs.get("people") or {}
    users = [user for user, entry in people.items() if {*entry["clusters"]} & {*names}]
    also = f", and with `--user` for {', '.join(users)}" if users else ""
    return (
        "Kubeconfigs that were handed over know the former CA alone and stop working with "
        f"`finish`: issue them again before, with `fleet kubeconfig`{also}."
    )


def rotate_now(
    stack: str,
    subject: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    *,
    yes: bool,
) -> None:
    """Take a subject of these clusters through all phases, whatever may not be ready for it."""
    engine = existing_engine(stack)
    if not (yes or sys.stdin.isatty()):
        raise OperatorError(
            "there is no terminal for the question whether to accept what breaks: use --yes"
        )
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    names = _selected(engine, clusters, selector)
    _phases(_clusters(read(file)), subject, names)
    click.echo(f"In {', '.join(names)}, {BREAKS[subject]}.", err=True)
    if not yes:
        click.confirm(
            f"Take {subject} of {', '.join(names)} through all phases now?", abort=True, err=True
        )
    while left := [
        name
        for name, phase in _phases(_clusters(read(file)), subject, names).items()
        if phase != FINISH or file.read_text(encoding="utf-8") == former
    ]:
        text = edited(file.read_text(encoding="utf-8"), _clusters(read(file)), subject, left, None)
        for name in left:
            text = with_value(text, (*FLEET, name, "rotations", "acknowledge"), ACKNOWLEDGED)
        rewrite(file, text)
        try:
            _up(stack)
        except RunFailed as error:
            raise RunFailed(f"{error}\n{CONTINUE}", error.exit_status) from None
    # The next rotation is acknowledged by nobody yet.
    rewrite(file, edited(former, _clusters(stack_yaml.read(former)), subject, names, FINISH))


def _up(stack: str) -> None:
    from scripts.fleet.commands import up

    context = click.get_current_context()
    context.invoke(
        up.command, stack=stack, option=stack, yes=True, wait=False, verbose=False, plan_file=None
    )


def edited(
    text: str,
    clusters: Mapping[str, Any],
    subject: str,
    names: Collection[str],
    phase: str | None,
) -> str:
    """Return the stack file's text with the phase of each of these clusters."""
    key = config_key(subject)
    for name, given in _phases(clusters, subject, names).items():
        text = with_value(text, (*FLEET, name, "rotations", key), phase or NEXT.get(given, given))
    return text


def _require_one_phase(phases: Mapping[str, str], subject: str) -> None:
    """Reject clusters that would go to different phases, or begin again where others end."""
    if len(set(phases.values())) > 1:
        listed = ", ".join(f"{name}: {phase or 'none'}" for name, phase in phases.items())
        raise OperatorError(
            f"these clusters are in different phases of the rotation of {subject} ({listed}): name "
            "those of one phase with --cluster, or the phase for all of them with --phase"
        )


def _phases(clusters: Mapping[str, Any], subject: str, names: Collection[str]) -> dict[str, str]:
    """Return the phase that the file has for each of these clusters, "" if none."""
    if unknown := sorted(set(names) - set(clusters)):
        raise OperatorError(
            f"the stack's file has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(clusters)}"
        )
    rotations = {name: (clusters[name] or {}).get("rotations") or {} for name in names}
    return {name: str(its.get(config_key(subject)) or "") for name, its in rotations.items()}


def _selected(
    engine: Engine, clusters: Collection[str], selector: LabelSelector | None
) -> Collection[str]:
    from scripts.fleet.access import matching_clusters

    return clusters if selector is None else matching_clusters(engine, selector)


def _clusters(document: Any) -> Mapping[str, Any]:
    for key in FLEET:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _show_difference(file: Path, former: str, text: str) -> None:
    lines = difflib.unified_diff(
        former.splitlines(), text.splitlines(), file.name, file.name, lineterm="", n=1
    )
    for line in lines:
        click.echo(line, err=True)
