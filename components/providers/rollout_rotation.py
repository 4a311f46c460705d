"""What a rollout does before a phase of a rotation: it rejects one that is too early, or waits."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress

from components.providers.rollout_plan import RECORD_SECONDS, RolloutInputs, nodes_of
from ops.kube.identity import IdentityMissing
from ops.rollout.desired import ClusterChange


def reject(
    olds: RolloutInputs, news: RolloutInputs, change: ClusterChange, unavailable: Collection[str]
) -> None:
    """Reject a phase that machines are not ready for; an API that does not answer says nothing."""
    from ops.kube.errors import ApiError
    from ops.rollout.rotation_guards import finishes_ca, reject_holders, reject_rotation

    reject_rotation(change, unavailable)
    if finishes_ca(change):
        with suppress(ApiError, IdentityMissing):
            holders = nodes_of(olds).limited(RECORD_SECONDS).trust_holders_once()
            reject_holders(news["cluster"], holders, news["acknowledged"])


def settle(
    news: RolloutInputs,
    change: ClusterChange,
    unavailable: Collection[str],
    rolled: str,
    say: Callable[[str], None],
) -> None:
    """Reject a phase of a rotation, or do and wait for what it requires.

    `rolled` is when machines were changed last.
    """
    from ops.rollout import rotation_guards as guards

    guards.reject_rotation(change, unavailable)
    if seconds := guards.seconds_to_settle(change, rolled):
        say(f"waiting {seconds:.0f} s until every component has read its new certificates")
        time.sleep(seconds)
    if guards.finishes_ca(change):
        nodes = nodes_of(news)
        holders = nodes.trust_holders()
        guards.reject_holders(news["cluster"], holders, news["acknowledged"])
        for workload in holders.own:
            say(f"restarting {workload.name}, which does not know the new CA")
            nodes.restart(workload)
