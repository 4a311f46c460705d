"""Whether another host is to take the place of an enrolled one, and may."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from components.providers.base import NotKnown, changed
from components.providers.engine_log import this_run, warn
from components.providers.host_visit import (
    ExistingHostInputs,
    requirements,
    visit_to,
    written_paths,
)
from ops.hosts.facts import FactsSummary
from ops.hosts.forgotten_hosts import is_forgotten
from ops.hosts.login import Login, LoginProps

if TYPE_CHECKING:
    from ops.hosts.facts import Facts
    from ops.hosts.preflight import HostRequirements

# Inputs of another machine: its Node, certificates and etcd member have its address.
REPLACING = ("role", "machine", "address")


class ExistingHostState(ExistingHostInputs):
    """The host as it was enrolled, or found later."""

    machine_id: str
    facts: FactsSummary
    artifacts_digest: str
    condition: str


def is_another_host(before: LoginProps, after: LoginProps) -> bool:
    """Whether the config may name another host; one that only moved keeps its pinned host key."""
    if not isinstance(after, Mapping):
        raise NotKnown("login")
    moved = (before["host"], before["port"]) != (after["host"], after["port"])
    pinned = after.get("host_key")
    if pinned is None:
        return moved
    return before.get("host_key") not in ((pinned,) if moved else (pinned, None))


def must_be_replaced(
    olds: ExistingHostState, news: ExistingHostInputs, patience_seconds: float
) -> bool:
    """Check a replacement; raise OperatorError if it is impossible.

    Only the login of the enrolled host may have made it look like another one: then it stays. A
    preview that cannot reach a host leaves the decision to `up`.
    """
    from ops.hosts import replacement
    from ops.hosts.ssh_errors import Unreachable

    run = this_run()
    unfit, unknown = [], []
    try:
        with visit_to(news, 0 if run.is_preview else patience_seconds) as visit:
            facts = visit.facts(written_paths(news))
        if facts.identity == olds["machine_id"] and not changed(olds, news, REPLACING):
            return False
        wanted = _successor_requirements(olds, news, facts)
        unfit += replacement.successor_problems(facts, wanted, olds["machine_id"])
    except Unreachable as error:
        unknown.append(str(error))
    try:
        if not is_forgotten(olds["machine"]):
            with visit_to(olds) as visit:
                visit.inspect()
    except Unreachable as error:
        unknown.append(replacement.unreleasable_problem(olds["machine"], error))
    if run.is_preview and unknown:
        text = replacement.undecided_warning(news["machine"], unknown)
        warn(text)
        unknown = []
    login = Login.from_props(news["login"])
    replacement.reject_unfit(news["machine"], str(login), [*unfit, *unknown])
    return True


def _successor_requirements(
    olds: ExistingHostState, news: ExistingHostInputs, facts: "Facts"
) -> "HostRequirements":
    """Return the requirements of a successor, which may be the enrolled host itself."""
    if facts.identity != olds["machine_id"]:
        return requirements(news, facts)
    # It is still claimed as it was enrolled, and its reset frees the space of its artifacts.
    wanted = requirements(news, facts)
    return replace(wanted, fleet=olds["fleet"], machine=olds["machine"], disk=0)
