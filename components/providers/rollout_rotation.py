"""What a rollout does before a phase of a rotation: it rejects one that is too early, or waits."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from components.providers.rollout_plan import RECORD_SECONDS, RolloutInputs, nodes_of
from model.rotation_phases import CA, SERVICE_ACCOUNT
from ops.errors import OperatorError
from ops.interruption import stop_before
from ops.kube.identity import IdentityMissing
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.unavailable import Unavailable

if TYPE_CHECKING:
    from ops.kube.trust_holders import Restart, Workload
    from ops.rollout.cluster_nodes import ClusterNodes

IMMEDIATE = "its key has leaked"
# Why our pods are replaced before the end of a rotation.
FORMER_CA = "which does not know the new CA"
FORMER_KEY = "whose token the former key signed"


class RolledInputs(RolloutInputs):
    """The rollout as it ended; `rolled` is when machines were changed last."""

    rolled: str
    unavailable: Mapping[str, Unavailable]


def reject(olds: RolledInputs, news: RolloutInputs, change: ClusterChange) -> None:
    """Reject a phase that comes too early; an API that does not answer says nothing."""
    from ops.kube.errors import ApiError
    from ops.rollout import rotation_guards as guards

    _reject_early(olds, news, change)
    if not guards.concerns_others(change):
        return
    with suppress(ApiError, IdentityMissing):
        _require_ready(nodes_of(olds).limited(RECORD_SECONDS), olds, news, change)


def settle(
    olds: RolledInputs, news: RolloutInputs, change: ClusterChange, say: Callable[[str], None]
) -> None:
    """Reject a phase that comes too early, or do and wait for what it requires."""
    from ops.rollout import rotation_guards as guards

    _reject_early(olds, news, change)
    restarted = _restart_holders(olds, news, change, say) if guards.concerns_others(change) else []
    immediate = news["immediate"] if news["immediate"] == olds["immediate"] else ""
    if seconds := guards.seconds_to_settle(change, olds["rolled"], immediate):
        say(
            f"waiting {seconds:.0f} s until every component has read its new certificates: an "
            "interrupt meanwhile leaves all machines as they are"
        )
        _await(seconds, news["cluster"])
    for restart in restarted:
        say(f"waiting until the pods of {restart.workload.name} are replaced")
        restart.wait()


def _reject_early(olds: RolledInputs, news: RolloutInputs, change: ClusterChange) -> None:
    """Reject a phase that comes too early by what the last rollout left."""
    from ops.rollout import rotation_guards as guards

    guards.reject_rotation(change, olds["unavailable"])
    guards.reject_early(change, olds["rolled"], _acknowledged(news, SERVICE_ACCOUNT))


def _restart_holders(
    olds: RolledInputs, news: RolloutInputs, change: ClusterChange, say: Callable[[str], None]
) -> "list[Restart]":
    """Begin to replace our own pods that would be cut off: all workloads at a time."""
    nodes = nodes_of(news)
    own = nodes.client.retry(
        "reading which pods would be cut off", lambda: _require_ready(nodes, olds, news, change)
    )
    begun = list["Restart"]()
    for workload, reason in own.items():
        stop_before(f"{workload.name} is restarted")
        say(f"restarting {workload.name}, {reason}")
        begun.append(nodes.restart(workload))
    return begun


def _require_ready(
    nodes: "ClusterNodes", olds: RolledInputs, news: RolloutInputs, change: ClusterChange
) -> "dict[Workload, str]":
    """Reject the end of a rotation that others are not ready for.

    Return our own workloads that are not ready either, and why.
    """
    from ops.rollout import rotation_guards as guards

    cluster, own = news["cluster"], dict["Workload", str]()
    if change.finishes(SERVICE_ACCOUNT):
        secrets = nodes.tokens_of_other_keys(olds["signers"][SERVICE_ACCOUNT])
        guards.reject_tokens(cluster, secrets, _acknowledged(news, SERVICE_ACCOUNT))
        if guards.tokens_until(change, olds["rolled"]):
            own |= dict.fromkeys(nodes.own_workloads_before(olds["rolled"]), FORMER_KEY)
    if change.finishes(CA):
        holders = nodes.trust_holders()
        guards.reject_holders(cluster, holders, _acknowledged(news, CA))
        own |= dict.fromkeys(holders.own, FORMER_CA)
    return own


def _acknowledged(news: RolloutInputs, name: str) -> str:
    """Return why pods may be cut off at the end of a rotation; "" if they may not."""
    return news["acknowledged"] or (IMMEDIATE if news["immediate"] == name else "")


def _await(seconds: float, cluster: str) -> None:
    """Wait for what nothing tells: that programs on machines have read files again."""
    from ops.wait import NotYet, wait_until

    until = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() < until:
            raise NotYet("not every component has read its new certificates")

    stops = (
        f"cluster {cluster}: no machine was changed, and all still trust the former CA, whose key "
        "is no longer in the state: `fleet up` continues with `finish`, which cannot be taken back"
    )
    wait_until(check, 2 * seconds, OperatorError, stops=stops)
