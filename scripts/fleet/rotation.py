"""Rotations of CAs and keys: the phase in the stack's file, its preview and its run."""

import sys
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import click

from model.rotation_phases import (
    CA,
    ENCRYPTION,
    ETCD_CA,
    FINISH,
    FRONT_PROXY_CA,
    NEXT,
    PREPARE,
    SERVICE_ACCOUNT,
    config_key,
)
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.private_file import rewrite
from ops.pulumi.stack_edit import with_value, without_key
from ops.pulumi.stack_file import read
from scripts.fleet import file_change, rotation_begin, rotation_status
from scripts.fleet.changes import Changes
from scripts.fleet.engine_run import RunFailed, existing_engine, require_unlocked

IMMEDIATE = "immediate"
CONTINUE = (
    "The phase is in the stack's file, and so is `rotations.immediate`, with which no run waits "
    "for pods or components. Repeat this command: it completes the phase, continues with the next "
    "one, and removes `immediate` at the end."
)
# What an immediate rotation breaks.
BREAKS = {
    CA: "kubeconfigs that were handed over stop working until they are issued again, pods that "
    "read the CA only when they start lose the API until they are restarted, and API servers, "
    "controller managers and schedulers are restarted twice, one control plane after another: a "
    "single one is unavailable meanwhile, for about 10 s",
    ETCD_CA: "tools outside the cluster that connect to etcd stop working until they get its "
    "new CA and a certificate of it",
    FRONT_PROXY_CA: "aggregated API servers, such as metrics-server, may reject requests for a "
    "minute",
    SERVICE_ACCOUNT: "your pods lose the API until their tokens are replaced, within an hour, or "
    "until you restart them, and tokens in Secrets are refused until they are created again; pods "
    "of kubeadm-fleet are replaced first",
    ENCRYPTION: "nothing breaks, Secrets can be read in every phase; API servers are restarted "
    "twice, one control plane after another: a single one is unavailable meanwhile, for about 10 "
    "s. Who has the former key and a snapshot, or a disk of etcd, has read the Secrets in it: "
    "replace their content as well",
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
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    names = file_change.selected(engine, clusters, selector)
    given = _phases(file_change.clusters(read(file)), subject, names)
    if phase is None:
        _require_one_phase(given, subject)
    text = edited(former, file_change.clusters(read(file)), subject, names, phase)
    wanted = {name: phase or NEXT.get(its, its) for name, its in given.items()}
    deployment = engine.deployment()
    rotation_begin.reject_impossible(deployment, subject, wanted)
    if text == former and all(
        rotation_begin.is_there(deployment, subject, name, its) for name, its in wanted.items()
    ):
        _show_reached(stack, subject, wanted, already="already: ")
        return
    if not (write_only or yes or sys.stdin.isatty()):
        raise OperatorError(
            "there is no terminal for the question whether to apply the phase: use --yes, or "
            "--write-only and commit the file"
        )
    if not write_only:
        require_unlocked(engine)
    file_change.show_difference(file, former, text)
    for note in rotation_begin.notes(deployment, subject, wanted):
        click.echo(note, err=True)
    if write_only:
        rewrite(file, text)
        click.echo(
            f"{file.name} is written, and nothing was run: `fleet preview {stack}` shows what the "
            "phase changes, `fleet up` applies it",
            err=True,
        )
        return
    question = f"Apply these changes to {stack}?"
    file_change.preview(engine, text, "" if yes else question, partial(_beside, names))
    file_change.up(stack)
    phases = _phases(file_change.clusters(read(file)), subject, names)
    click.echo()
    _show_reached(stack, subject, phases)
    if subject == CA and PREPARE in phases.values():
        click.echo(pinned(engine.outputs(), names))


def _show_reached(stack: str, subject: str, phases: Mapping[str, str], already: str = "") -> None:
    for name, reached in phases.items():
        following = rotation_status.following(stack, name, subject, reached)
        click.echo(f"{name}: {already}{following}")


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
    file = engine.workspace.tracked_config
    former = file.read_text(encoding="utf-8")
    names = file_change.selected(engine, clusters, selector)
    _phases(file_change.clusters(read(file)), subject, names)
    listed = ", ".join(names)
    text = _begun(former, file_change.clusters(read(file)), subject, names)
    if not (yes or sys.stdin.isatty()):
        raise OperatorError(
            "there is no terminal for the question whether to accept what breaks: use --yes"
        )
    require_unlocked(engine)
    click.echo(f"In {listed}, {BREAKS[subject]}.", err=True)
    file_change.show_difference(file, former, text)
    question = f"Take {subject} of {listed} through all phases now?"
    file_change.preview(engine, text, "" if yes else question, partial(_beside, names))
    try:
        file_change.up(stack)
        while left := _unfinished(file_change.clusters(read(file)), subject, names):
            text = file.read_text(encoding="utf-8")
            rewrite(file, edited(text, file_change.clusters(read(file)), subject, left, None))
            file_change.up(stack)
    except OperatorError as error:
        raise RunFailed(f"{error}\n{CONTINUE}", error.exit_status) from None
    text = file.read_text(encoding="utf-8")
    for name in names:
        text = without_key(text, (*file_change.FLEET, name, "rotations", IMMEDIATE))
    rewrite(file, text)
    click.echo(f"\n{listed}: the rotation of {subject} is complete")


def _begun(text: str, clusters: Mapping[str, Any], subject: str, names: Collection[str]) -> str:
    """Return the file's text with the first phase to run; one that was interrupted runs again."""
    under_way = {name: _rotations(clusters, name).get(IMMEDIATE) for name in names}
    if other := {its for its in under_way.values() if its} - {subject}:
        raise OperatorError(
            f"the immediate rotation of {', '.join(sorted(other))} is not complete: repeat "
            "`fleet rotate` with it and --now first"
        )
    begun = [name for name in names if not under_way[name]]
    text = edited(text, clusters, subject, begun, None)
    for name in begun:
        text = with_value(text, (*file_change.FLEET, name, "rotations", IMMEDIATE), subject)
    return text


def _unfinished(clusters: Mapping[str, Any], subject: str, names: Collection[str]) -> list[str]:
    phases = _phases(clusters, subject, names)
    return [name for name, phase in phases.items() if phase != FINISH]


def _beside(names: Collection[str], changes: Changes) -> str:
    """Say what the plan has besides the rotation: other edits of the file, repairs."""
    more = rotation_begin.others(changes, names)
    return f"Not of the rotation, and applied with it: {', '.join(more)}" if more else ""


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
        text = with_value(
            text, (*file_change.FLEET, name, "rotations", key), phase or NEXT.get(given, given)
        )
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
    key = config_key(subject)
    return {name: str(_rotations(clusters, name).get(key) or "") for name in names}


def _rotations(clusters: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (clusters[name] or {}).get("rotations") or {}
    return found
