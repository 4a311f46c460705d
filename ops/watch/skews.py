"""Clocks that are off: of machines, each in its cluster, and of this host, as all clusters say."""

import socket
from collections.abc import Iterator, Mapping

from model.status import clocks
from model.status.clocks import Verdict
from model.watch import finding
from model.watch.finding import Finding, Snapshot
from ops.watch.sources import CLOCK, HOST, NODES, PODS, SERVERS
from ops.watch.view import Limits, View

# If a control plane's clock is off, machines say one after the other, every 20 seconds, that theirs
# is. This host's clock shows sooner whose it is.
HOLD = 25.0
# A renewal of a lease that was written late makes a clock seem to be behind, until the next one.
RENEWAL_HOLD = 12.0
# What is wrong with this host belongs to no cluster.
NO_CLUSTER = ""


def judge(view: View, _limits: Limits) -> Iterator[Finding]:
    """Yield machines whose clocks are off."""
    verdict = clocks.judge(view.clocks)
    is_certain = verdict.is_majority and view.host_ahead is not None and verdict.host is None
    hold = 0.0 if is_certain else HOLD
    for node, condition in clocks.conditions(view.cluster, verdict).items():
        if node in view.clocks.machines and node not in view.planes:
            yield finding.of(condition, NODES, PODS, HOST(node), hold=hold)
        elif _has_several(view):
            yield finding.of(condition, NODES, SERVERS, hold=max(hold, RENEWAL_HOLD))
        else:
            # It is judged by what all others say.
            every = map(HOST, (each.status.name for each in view.nodes))
            yield finding.of(condition, NODES, PODS, *every, hold=hold)


def unknown(view: View) -> Iterator[str]:
    """Yield the source of the clocks of API servers while they are not known."""
    if len(view.planes) > 1 and not _has_several(view):
        yield SERVERS


def _has_several(view: View) -> bool:
    return len(view.server_clocks) > 1


def of_host(verdicts: Mapping[str, Verdict | None]) -> dict[str, Snapshot]:
    """Return what has to be added to the snapshot of each cluster, and that of NO_CLUSTER.

    `verdicts` are those of clusters whose API answers, None if it was not compared with this host.
    """
    known = {name: each for name, each in verdicts.items() if each is not None}
    off = {name: each.host for name, each in known.items() if each.host is not None}
    is_host = clocks.is_this_host(known.values())
    found = {NO_CLUSTER: _snapshot(is_known=bool(known))}
    if is_host:
        condition = clocks.of_host(socket.gethostname(), off)
        found[NO_CLUSTER] = Snapshot((finding.of(condition, CLOCK, hold=HOLD),))
    for name, verdict in verdicts.items():
        found[name] = _snapshot(is_known=verdict is not None)
        if name in off and not is_host:
            condition = clocks.of_cluster(name, off[name])
            found[name] = Snapshot((finding.of(condition, CLOCK, hold=HOLD),))
    return found


def _snapshot(*, is_known: bool) -> Snapshot:
    return Snapshot(unknown=frozenset() if is_known else frozenset({CLOCK}))
