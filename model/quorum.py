"""etcd quorum arithmetic, for previews and for checks right before a change.

A change of etcd's members, and every write, needs the agreement of more than half of the members
that vote. https://etcd.io/docs/v3.6/faq/#what-is-failure-tolerance
"""

from collections.abc import Collection, Iterable, Mapping


def majority(members: int) -> int:
    """Return how many of `members` must agree."""
    return members // 2 + 1


def removal_refusal(voters: Mapping[str, bool], leaving: str) -> str | None:
    """Return why `leaving` must not leave now; `voters` maps each voting member to its health.

    None if the remaining members keep a majority. A non-voting member may always leave.
    """
    if leaving not in voters:
        return None
    rest = {name: healthy for name, healthy in voters.items() if name != leaving}
    if not rest:
        return f"{leaving} is the last member of etcd: all of the cluster's data is there"
    healthy = sum(rest.values())
    if healthy >= majority(len(rest)):
        return None
    unhealthy = ", ".join(name for name, is_healthy in rest.items() if not is_healthy)
    return (
        f"without {leaving}, {healthy} of etcd's {len(rest)} members would be healthy and "
        f"{majority(len(rest))} are needed for quorum; unhealthy: {unhealthy}"
    )


def refusal(
    before: Mapping[str, str], after: Mapping[str, str], dead: Collection[str]
) -> str | None:
    """Return why control planes cannot change in this way in one run; None if they can.

    `before` and `after` give the machine ID behind each control plane's name; an ID that a preview
    cannot know yet counts as different. `dead` are names from `before` whose machines do
    not exist or do not answer. A single control plane is refused like any other cluster that would
    lose all of its data: the caller decides whether that is allowed.
    """
    if not before or before == after:
        return None
    removed = [name for name in before if name not in after]
    replaced = [name for name in before if name in after and after[name] != before[name]]
    lost = [name for name in before if name in dead]
    return (
        _loses_all(before, removed, replaced)
        or _has_lost_quorum(before, lost)
        or _exceeds_tolerance(before, {*replaced, *lost}, {*replaced}.difference(lost))
        or _would_stop_halfway(before, removed, replaced, lost)
    )


def _loses_all(before: Mapping[str, str], removed: list[str], replaced: list[str]) -> str | None:
    if len(removed) + len(replaced) < len(before):
        return None
    now, *later = before
    return (
        f"none of the control planes {_names(before)} would remain, so the cluster's data would be "
        f"lost: {_one_per_run(now, later)}"
    )


def _has_lost_quorum(before: Mapping[str, str], lost: list[str]) -> str | None:
    if len(before) - len(lost) >= majority(len(before)):
        return None
    return (
        f"{_names(lost)} of {len(before)} control planes are dead, so etcd has lost quorum "
        f"({majority(len(before))}) and accepts no changes: recover one first"
    )


def _exceeds_tolerance(
    before: Mapping[str, str], disturbed: Collection[str], alive: Collection[str]
) -> str | None:
    """Reject replacing or losing more control planes at the same time than etcd tolerates.

    A live one is replaced only while all others are healthy: every join depends on them.
    """
    spare = max(1, len(before) - majority(len(before)))
    if len(disturbed) > spare:
        why = f"with {len(before)} members etcd tolerates the failure of only {spare}"
    elif alive and len(disturbed) > 1:
        why = "a live control plane is replaced only while all others are healthy"
    else:
        return None
    names = [name for name in before if name in disturbed]
    now, *later = sorted(names, key=lambda name: name in alive)
    return (
        f"{_names(names)} would be replaced or are dead at the same time, but {why}: "
        f"{_one_per_run(now, later)}"
    )


def _would_stop_halfway(
    before: Mapping[str, str], removed: list[str], replaced: list[str], lost: list[str]
) -> str | None:
    """Reject changes that would stop halfway: control planes leave in reverse order."""
    dead = set(lost) - set(replaced)
    left = list(before)
    for leaving in reversed(removed):
        left.remove(leaving)
        alive = [name for name in left if name not in dead]
        if len(alive) < majority(len(left)):
            return (
                f"{_names(name for name in left if name in dead)} is dead, so etcd would lose "
                f"quorum when {leaving} leaves: replace the dead machine first, and remove control "
                "planes in the next run"
            )
    return None


def _one_per_run(now: str, later: Collection[str]) -> str:
    """Return how to replace several control planes."""
    rest = _names(later)
    return (
        f"replace one per run, dead ones first: {now} in this run, with {rest} in the config as "
        f"before, then {rest}"
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
