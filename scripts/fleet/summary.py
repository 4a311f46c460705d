"""The summary of a run: errors first, then a line per cluster and machine."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from model.plural import counted
from ops.pulumi.events import Message
from scripts.fleet.changes import Change, Changes, ClusterChanges, Subject

PREVIEW_WORDS = {
    Change.FAILED: "rejected",
    Change.REPLACED: "replace",
    Change.REMOVED: "remove",
    Change.CREATED: "create",
    Change.CHANGED: "change",
}
STYLES = {
    Change.FAILED: "bold red",
    Change.REPLACED: "magenta",
    Change.REMOVED: "red",
    Change.CREATED: "green",
    Change.CHANGED: "yellow",
}
SHOWN_PARTS = 4


def summary(changes: Changes, stack: str, *, preview: bool) -> RenderableType:
    """Return the summary of a run of `stack`."""
    blocks: list[RenderableType] = []
    if changes.errors:
        blocks += [Text("Rejected:" if preview else "Failed:", "bold red")]
        blocks += [_message(changes, error, "bold") for error in changes.errors]
        blocks.append(Text())
    if changes.any or not changes.errors:
        blocks.append(Text(headline(changes, stack, preview=preview), "bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for indent, subject in _subjects(changes):
        change = subject.change
        assert change is not None
        word = PREVIEW_WORDS[change] if preview else str(change)
        table.add_row(f"{indent}{subject.name}", Text(word, STYLES[change]), _detail(subject))
    if table.row_count:
        blocks.append(table)
    for title, lines in _exceptions(changes).items():
        if lines:
            blocks += [Text(), Text(title, "bold yellow")]
            blocks += [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    if changes.warnings:
        blocks += [Text(), Text("Warnings:", "bold yellow")]
        blocks += [_message(changes, warning, "") for warning in changes.warnings]
    return Group(*blocks)


def headline(changes: Changes, stack: str, *, preview: bool) -> str:
    """Return one line for the run, such as `prod: +0 ~12 -0, 12 machines drained`."""
    if not changes.any:
        return f"{stack}: no changes ({counted(changes.unchanged, 'resource')})"
    counts = changes.counts
    signs = (
        f"+{counts[Change.CREATED]} ~{counts[Change.CHANGED]} -{counts[Change.REMOVED]}"
        + (f" ±{counts[Change.REPLACED]}" if counts[Change.REPLACED] else "")
        + (f" !{counts[Change.FAILED]}" if counts[Change.FAILED] else "")
    )
    clusters = changes.clusters.values()
    machines = [machine for cluster in clusters for machine in cluster.machines.values()]
    totals = Counter(machine.change for machine in machines if machine.change)
    drained = sum(machine.is_drained for machine in machines)
    limit = max((cluster.drain_seconds for cluster in clusters if _drains(cluster)), default=0)
    parts = [
        f"{counted(totals[change], 'machine')} {_past(change, preview=preview)}"
        for change in Change
        if totals[change]
    ]
    if drained:
        parts.append(f"{drained} drained" + (f" (up to {limit:.0f} s each)" if limit else ""))
    return ", ".join([f"{stack}: {signs}", *parts])


def _drains(cluster: ClusterChanges) -> bool:
    return any(machine.is_drained for machine in cluster.machines.values())


def _past(change: Change, *, preview: bool) -> str:
    return "rejected" if preview and change is Change.FAILED else str(change)


def _subjects(changes: Changes) -> Iterator[tuple[str, Subject]]:
    """Yield the changed subjects, each cluster followed by its machines, with indentation."""
    if changes.fleet.change:
        yield "  ", changes.fleet
    for _, cluster in sorted(changes.clusters.items()):
        if cluster.change:
            yield "  ", cluster
            for _, machine in sorted(cluster.machines.items()):
                if machine.change:
                    yield "    ", machine


def _detail(subject: Subject) -> str:
    """Return the reason, or otherwise the changed parts; nothing for an entirely new subject."""
    if subject.sentence:
        return subject.sentence
    change = subject.change
    if change in (Change.CREATED, Change.REMOVED, Change.REPLACED):
        return ""
    if change is Change.FAILED:
        failed = [name for name, own in subject.resources.items() if own is Change.FAILED]
        return _enumerate(name.removeprefix(f"{subject.name}-") for name in failed)
    if parts := _enumerate(subject.parts):
        return parts
    machines = subject.machines.values() if isinstance(subject, ClusterChanges) else ()
    # The machines' own lines say what is changed.
    is_said = any(machine.change for machine in machines)
    return "" if is_said else _enumerate(subject.operational.values())


def _exceptions(changes: Changes) -> dict[str, list[str]]:
    """Return the security settings that become weaker than their defaults, or no longer are."""
    clusters = sorted(changes.clusters.items())
    return {
        "New exceptions from the security defaults:": [
            f"{name}: {line}" for name, cluster in clusters for line in cluster.weakened
        ],
        "No longer exceptions from the security defaults:": [
            f"{name}: {line}" for name, cluster in clusters for line in cluster.restored
        ],
    }


def _enumerate(parts: Iterable[str]) -> str:
    names = sorted(parts)
    more = len(names) - SHOWN_PARTS
    return ", ".join(names[:SHOWN_PARTS]) + (f" and {more} more" if more > 0 else "")


def _message(changes: Changes, message: Message, style: str) -> RenderableType:
    name = changes.subject(message.urn).name
    known = name == changes.fleet.name or name in message.text
    text = message.text if known else f"{name}: {message.text}"
    return Padding(Text(text, style), (0, 0, 0, 2))
