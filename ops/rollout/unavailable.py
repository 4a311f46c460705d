"""Workers that are unavailable: a rollout skips them, names them, and changes the others.

A worker is skipped if it is unreachable, is no longer a member, or if its Node was lost before the
run (see was_lost) and its own change fails. Its change stays pending: the next run makes it when
the machine is back. An unavailable control plane is never skipped, since every other one relies on
its etcd member.

How many others may be changed at a time follows Cluster API's and the Deployment controller's rule:
whatever is unavailable already counts against `maxUnavailable`. But one worker is always changed at
a time, however many are dead: otherwise one dead machine would keep security patches from all
others.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypedDict

from model.plural import counted
from ops.kube.liveness import TOLERATION_SECONDS
from ops.kube.nodes import Nodes
from ops.rollout.observed import ObservedMachine

# The beginning of the sentence about such a worker.
UNAVAILABLE = "unavailable since"


class Unavailable(TypedDict):
    """An unavailable worker in the stack's state: `pending` is its change, "" if there is none."""

    reason: str
    since: str
    pending: str


def reason_of(found: ObservedMachine) -> str:
    """Return why a machine cannot be changed; "" if it can."""
    if found.unreachable:
        return f"unreachable: {found.unreachable}"
    return "" if found.is_member else "running, but no longer a member of the cluster"


def was_lost(found: ObservedMachine) -> bool:
    """Whether its Node was lost before this run: a failure there says nothing about the change.

    A Node that became unready later may owe that to an earlier attempt of the same change.
    """
    return found.node is not None and found.node.unready_seconds >= TOLERATION_SECONDS


def free_slots(limit: int, unavailable: int) -> int:
    """Return how many available workers may be changed at a time, given the unavailable ones."""
    return max(1, limit - unavailable)


def entries(
    skipped: Mapping[str, str],
    found: Mapping[str, ObservedMachine],
    pending: Mapping[str, str],
    before: Mapping[str, Unavailable],
) -> dict[str, Unavailable]:
    """Return the entries for the stack's state.

    `skipped` has the reasons, `pending` the changes that were not made; `before` are the entries
    of the last run.
    """
    known: dict[str, Unavailable] = {}
    for name, reason in skipped.items():
        former = before.get(name)
        known[name] = {
            "reason": reason,
            "since": former["since"] if former else _since(found[name]),
            "pending": pending.get(name) or (former["pending"] if former else ""),
        }
    return known


def sentence(machine: Unavailable) -> str:
    """Describe an unavailable worker, with its name as the subject."""
    since = datetime.fromisoformat(machine["since"])
    text = f"{UNAVAILABLE} {since:%Y-%m-%d %H:%M} UTC ({machine['reason']})"
    return f"{text}; pending: {machine['pending']}" if machine["pending"] else text


def report(cluster: str, machines: Mapping[str, Unavailable]) -> str:
    """Return the message at the end of a run that skipped workers."""
    lines = [f"  {name}: {sentence(machine)}" for name, machine in sorted(machines.items())]
    return "\n".join(
        [
            f"{cluster} is done, except for {counted(len(machines), 'unavailable worker')}:",
            *lines,
            "Run `fleet up` again when they are back. Replace or remove machines that are "
            "permanently lost.",
        ]
    )


def still(
    before: Mapping[str, Unavailable],
    found: Mapping[str, ObservedMachine],
    workers: Iterable[str],
) -> dict[str, str]:
    """Return the workers that an inspection finds unavailable, and why."""
    reasons = {name: reason_of(found[name]) for name in workers}
    for name in before.keys() & reasons.keys():
        node = found[name].node
        if not reasons[name] and node is not None and not node.ready:
            reasons[name] = before[name]["reason"]
    return {name: reason for name, reason in reasons.items() if reason}


def annotate(
    nodes: Nodes, found: Mapping[str, ObservedMachine], machines: Mapping[str, Unavailable]
) -> None:
    """Write pending changes on their Nodes, and remove those that were made since."""
    for name, machine in found.items():
        text = machines[name]["pending"] if name in machines else ""
        if machine.node is not None and machine.node.pending != text:
            nodes.set_pending(name, text)


def _since(found: ObservedMachine) -> str:
    node = found.node
    if node is not None and not node.ready and node.ready_since:
        return node.ready_since
    return datetime.now(UTC).isoformat(timespec="seconds")
