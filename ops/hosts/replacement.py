"""The replacement of an enrolled host by another one, checked before the former host is released.

The engine releases the former host first and enrolls its successor afterwards. A successor that is
refused then has cost a cluster its machine, an etcd member among them. Therefore both hosts are
checked when the replacement is decided: whether the successor can be enrolled, and whether the
former can be released, or was declared lost.
"""

from collections.abc import Sequence

from ops.errors import OperatorError
from ops.hosts.facts import Facts
from ops.hosts.forgotten_hosts import FORGET, is_forgotten
from ops.hosts.preflight import HostRequirements, problems


def reject_unfit(machine: str, where: str, unfit: Sequence[str]) -> None:
    """Raise OperatorError with all problems of a machine's successor, the host `where`."""
    if unfit:
        lines = "\n  ".join(unfit)
        raise OperatorError(
            f"{machine} cannot be replaced by {where}; nothing was changed on either:\n  {lines}\n"
            "Fix these problems and run `fleet up` again."
        )


def successor_problems(facts: Facts, wanted: HostRequirements, former_id: str) -> list[str]:
    """Return why a host cannot succeed the one that was enrolled with the ID `former_id`.

    The same host, which has other settings now, is reset in between: what the cluster has on it
    is no obstacle.
    """
    found = problems(facts, wanted)
    if facts.identity != former_id:
        found += membership_problems(facts, wanted)
    return found


def membership_problems(facts: Facts, wanted: HostRequirements) -> list[str]:
    """Return the problem of a host that is still a member from an enrollment that is over."""
    if not is_member_again(facts, wanted) or is_forgotten(wanted.machine):
        return []
    return [
        f"member: this host still belongs to a cluster as {wanted.machine}: it was declared lost, "
        "or its resource was deleted from the state, and it came back. To reset it and join it "
        f"again, rerun the same command with {FORGET}={wanted.machine}"
    ]


def reject_unknown_member(where: str, facts: Facts, wanted: HostRequirements) -> None:
    """Raise OperatorError for a host that is still a member of a cluster."""
    for problem in membership_problems(facts, wanted):
        raise OperatorError(f"{where} was not enrolled; nothing was changed on it:\n  {problem}")


def is_member_again(facts: Facts, wanted: HostRequirements) -> bool:
    """Whether a host that is to be enrolled is already a member of a cluster as this machine."""
    return facts.is_member and wanted.owns(facts.claim)


def undecided_warning(machine: str, reasons: Sequence[str]) -> str:
    """Return the warning of a preview that could not reach a host."""
    return (
        f"{machine}: this preview cannot tell whether it can be replaced; `up` checks it before "
        f"anything is changed: {'; '.join(reasons)}"
    )


def unreleasable_problem(machine: str, reason: object) -> str:
    """Return the problem of a former host that cannot be reached."""
    return (
        f"the former host cannot be released: {reason}. If it is permanently lost, or the same "
        f"host at another address, rerun the same command with {FORGET}={machine}"
    )
