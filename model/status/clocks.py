"""Whose clock is off: that of a machine, of a control plane, or of the host that asks.

All of them are compared with an API server's, which may be the one that is off: then all others
seem to be. Right is what most clocks agree on. docs/adr/0101 has the reasons.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from model.status import reasons
from model.status.condition import Condition, Severity

# As SKEW_SECONDS of scripts/node/drift_clock.sh. What is measured is exact to 2 seconds.
LIMIT = 5.0
ADVICE = (
    "`timedatectl` on it says whether its time is synchronized; tokens and certificates are "
    "refused when clocks differ by minutes"
)


@dataclass(frozen=True)
class Clocks:
    """By how many seconds clocks are ahead of that of the API server that answers.

    `servers` are those of API servers, by Node, if more than one is known; `machines` those of
    Nodes, each compared with any API server; `planes` are the Nodes of control planes. `host` is
    that of this host, None if it was not compared.
    """

    machines: Mapping[str, int] = field(default_factory=dict)
    planes: Collection[str] = ()
    servers: Mapping[str, float] = field(default_factory=dict)
    host: float | None = None


@dataclass(frozen=True)
class Verdict:
    """By how many seconds those that are off are ahead of what most agree on, by Node.

    `host` is this host's part of that, None if it is not off. `is_majority` says that more than
    half of all clocks agree, `is_reference` that the API server's is one of them.
    """

    machines: Mapping[str, float] = field(default_factory=dict)
    host: float | None = None
    is_majority: bool = False
    is_reference: bool = True


def is_off(ahead: float | None) -> bool:
    """Whether a difference is known, and too large."""
    return ahead is not None and abs(ahead) > LIMIT


def judge(clocks: Clocks) -> Verdict:
    """Compare all clocks with what most of them agree on, else with the API server's."""
    servers = dict(clocks.servers)
    if len(servers) < 2:
        # The only control plane has what all others are compared with.
        servers = {next(iter(clocks.planes)) if len(clocks.planes) == 1 else "": 0.0}
    others = {node: ahead for node, ahead in clocks.machines.items() if node not in servers}
    votes = [*servers.values(), *(others.values() if len(servers) == 1 else ())]
    votes += [] if clocks.host is None else [clocks.host]
    right, number = _most(votes)
    is_majority = 2 * number > len(votes)
    right = right if is_majority and is_off(right) else 0.0
    off = {node: ahead - right for node, ahead in servers.items() if is_off(ahead - right)}
    for node, ahead in others.items():
        # It was compared with any of the API servers, one of which may be off.
        if all(is_off(ahead + server - right) for server in servers.values()):
            nearest = min(servers.values(), key=lambda server: abs(server - right))
            off[node] = ahead + nearest - right
    host = None if clocks.host is None else clocks.host - right
    return Verdict(off, host if is_off(host) else None, is_majority, not right)


def conditions(cluster: str, verdict: Verdict) -> dict[str, Condition]:
    """Return what is wrong with machines, by Node; "": with an API server of any Node."""
    return {node: _condition(cluster, node, verdict, ahead) for node, ahead in _sorted(verdict)}


def is_this_host(verdicts: Collection[Verdict]) -> bool:
    """Whether all clusters that were compared with this host say that it is off, given those."""
    return bool(verdicts) and all(each.host is not None for each in verdicts)


def of_cluster(cluster: str, ahead: float) -> Condition:
    """Return that a cluster's clocks differ from this host's, by which others are right."""
    text = f"the clock of its API server is {difference(-ahead)} this host's"
    return _warning(cluster, "", "", f"{text}: {ADVICE.replace('on it', 'on its machine')}")


def of_host(name: str, aheads: Mapping[str, float]) -> Condition:
    """Return that this host's clock is off, as each cluster that it was compared with says."""
    clusters = sorted(aheads)
    ahead = sorted(aheads.values(), key=abs)[len(aheads) // 2]
    whose = f"all {len(clusters)} clusters" if len(clusters) > 1 else clusters[0]
    text = f"the clock of the host {name}, which asks, is {difference(ahead)} that of {whose}"
    condition = _warning("", "host", name, f"{text}: {ADVICE}")
    return condition.model_copy(update={"reason": reasons.OWN_SKEW})


def difference(ahead: float) -> str:
    """Return a difference as people read it, such as "4 min 12 s behind"."""
    seconds = round(abs(ahead))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min")]
    words = [f"{number} {unit}" for number, unit in [*parts, (seconds % 60, "s")] if number]
    return f"{' '.join(words[:2]) or '0 s'} {'ahead of' if ahead > 0 else 'behind'}"


def _condition(cluster: str, node: str, verdict: Verdict, ahead: float) -> Condition:
    whose = "the API server's" if verdict.is_reference else "those of most others"
    if not node:
        return _warning(
            cluster, "", "", f"the clock of an API server is {difference(ahead)} {whose}: {ADVICE}"
        )
    return _warning(cluster, "Node", node, f"its clock is {difference(ahead)} {whose}: {ADVICE}")


def _sorted(verdict: Verdict) -> Sequence[tuple[str, float]]:
    return sorted(verdict.machines.items())


def _most(votes: Sequence[float]) -> tuple[float, int]:
    """Return the clock that most others agree with, and how many do, itself included."""
    # Most are the same: 0.
    counts = Counter(votes)
    numbers = {
        vote: sum(number for each, number in counts.items() if abs(each - vote) <= LIMIT)
        for vote in counts
    }
    best = max(counts, key=lambda vote: (numbers[vote], -abs(vote)))
    return best, numbers[best]


def _warning(cluster: str, kind: str, name: str, message: str) -> Condition:
    return Condition(
        cluster=cluster,
        kind=kind,
        name=name,
        severity=Severity.WARNING,
        reason=reasons.SKEW,
        message=message,
    )
