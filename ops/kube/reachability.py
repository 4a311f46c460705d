"""Connectivity between pods at their own addresses, read from the probe pods' logs.

manifests/probe.yaml defines what a probe does and logs. Every probe must be reached by those of all
other Nodes; in a cluster of more than `ALL_UP_TO` Nodes, by `ENOUGH` of them.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from ops import fan_out
from ops.kube.client import Client
from ops.kube.connections import CONNECTIONS
from ops.kube.errors import ApiError

NAMESPACE = "kube-system"
ISO = "%Y-%m-%dT%H:%M:%SZ"
CONTAINER = "probe"
ALL_UP_TO = 50
ENOUGH = 3
LOG_SECONDS = 5
LOG_TURN_SECONDS = 30
# A probe reports at least once a minute. One whose last report is older than the newest one by this
# hangs, or its log is cut off; clocks of Nodes may differ by two minutes.
STALE = timedelta(minutes=5)
NEVER = datetime.min.replace(tzinfo=UTC)
# For a look at a running cluster. In a large one each probe tries 64 others, which change all the
# time.
SAMPLE = 100
# Of many clusters, each is read by few threads.
READERS = 4
# Of the time for all of them, one takes a part at most.
TURNS = 2
# Limit for one kind of finding on the operator's terminal.
LINES = 10


@dataclass(frozen=True)
class Probe:
    """A running probe pod: its Node, its name and its address."""

    node: str
    pod: str
    address: str


@dataclass(frozen=True)
class Report:
    """The last line of a probe's log: addresses reached, and since when others are unreachable.

    `unreadable` says why there is none.
    """

    reached: frozenset[str] = frozenset()
    time: datetime = NEVER
    unreached: Mapping[str, str] = field(default_factory=dict)
    unreadable: str = ""


@dataclass(frozen=True)
class _Gap:
    """A probe that does not reach another one since a given time; "" if not tried yet."""

    source: Probe
    target: Probe
    since: str


@dataclass(frozen=True)
class Failure:
    """What fails, as a line for people; `since` is a time of RFC 3339, "" if it is not known.

    `nodes` are the Nodes that it is about: the one that reaches no other or is not reached, or both
    ends of a connection; `reporters` are those whose probes say so.
    """

    text: str
    since: str = ""
    nodes: tuple[str, ...] = ()
    reporters: frozenset[str] = frozenset()


def missing(client: Client, probes: list[Probe]) -> list[str]:
    """Return one line for each connectivity failure between pods."""
    if len(probes) < 2:
        return []
    reports = _read_all(client, probes)
    known = {probe: report for probe, report in reports.items() if not report.unreadable}
    gaps = _gaps(probes, known)
    found = [*_shortened(_unreadable(reports)), *_shortened(_describe(gaps, probes, known))]
    return [failure.text for failure in found]


def failures(client: Client, probes: list[Probe], seconds: float) -> list[Failure]:
    """Return each connection that fails now, by the reports of `SAMPLE` probes.

    It ends within `seconds`, also if kubelets hang; probes that were not asked by then are not
    in the sample.
    """
    if len(probes) < 2:
        return []
    sample = random.sample(probes, min(SAMPLE, len(probes)))
    # Behind those that hang, others have their turn.
    limited = client.limited(retries=0, seconds=min(LOG_SECONDS, seconds / TURNS))
    answers = fan_out.ask(sample, partial(_read, limited), seconds, parallel=READERS)
    reports = {answer.target: answer.value for answer in answers if answer.value}
    silent, failed = judge(probes, reports)
    return [*_shortened(silent), *_shortened(failed)]


def judge(
    probes: Sequence[Probe], reports: Mapping[Probe, Report]
) -> tuple[list[Failure], list[Failure]]:
    """Return probes that do not report, and each connection that fails now by those that do."""
    reports = current(reports)
    known = {probe: report for probe, report in reports.items() if not report.unreadable}
    failed: Iterable[_Gap] = ()
    if any(report.unreached for report in known.values()):
        failed = (gap for gap in _gaps(probes, known) if gap.since)
    return list(_unreadable(reports)), list(_describe(failed, probes, known))


def current(reports: Mapping[Probe, Report]) -> dict[Probe, Report]:
    """Return the reports, unreadable where a probe reports no more while others do."""
    newest = max((report.time for report in reports.values()), default=NEVER)
    return {probe: _unless_stale(report, newest) for probe, report in reports.items()}


def _read_all(client: Client, probes: list[Probe]) -> dict[Probe, Report]:
    # Each has a time-out of its own: this one is for what does not keep it.
    seconds = LOG_TURN_SECONDS * (len(probes) // CONNECTIONS + 1)
    limited = client.limited(seconds=LOG_SECONDS)
    answers = fan_out.ask(probes, partial(_read, limited), seconds, parallel=CONNECTIONS)
    reports = [
        answer.value or Report(unreadable=f"its log cannot be read: {answer.error}")
        for answer in answers
    ]
    return current(dict(zip(probes, reports, strict=True)))


def _unless_stale(report: Report, newest: datetime) -> Report:
    if report.unreadable or newest - report.time <= STALE:
        return report
    return replace(report, unreadable=f"it has not reported since {report.time:{ISO}}")


def _unreadable(reports: Mapping[Probe, Report]) -> Iterator[Failure]:
    for probe, report in reports.items():
        if report.unreadable:
            text = f"probe pod {probe.pod} on {probe.node}: {report.unreadable}"
            yield Failure(text, nodes=(probe.node,))


def _read(client: Client, probe: Probe) -> Report:
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{probe.pod}/log"
    try:
        return parsed(client.text(path, container=CONTAINER, tailLines=1))
    except ApiError as error:
        return Report(unreadable=f"its log cannot be read: {error}")
    except (ValueError, KeyError, TypeError):
        return Report(unreadable="it has not reported yet which pods it reaches")


def parsed(line: str | bytes) -> Report:
    """Return what a line of a probe's log says; raise KeyError, TypeError or ValueError."""
    reported = json.loads(line)
    time = datetime.fromisoformat(reported["time"])
    return Report(frozenset(reported["reached"]), time, dict(reported["unreached"]))


def _gaps(probes: Sequence[Probe], reports: Mapping[Probe, Report]) -> Iterator[_Gap]:
    for target in probes:
        sources = {probe: report for probe, report in reports.items() if probe != target}
        untried = []
        for source, report in sources.items():
            if target.address in report.unreached:
                yield _Gap(source, target, report.unreached[target.address])
            elif target.address not in report.reached:
                untried.append(_Gap(source, target, ""))
        reached = sum(target.address in report.reached for report in sources.values())
        yield from untried if len(probes) <= ALL_UP_TO else untried[: max(ENOUGH - reached, 0)]


def _describe(
    gaps: Iterable[_Gap], probes: Iterable[Probe], reports: Mapping[Probe, Report]
) -> Iterator[Failure]:
    """Report a Node only once if no other reaches it, or if it reaches no other."""
    to: dict[Probe, list[_Gap]] = defaultdict(list)
    by: dict[Probe, list[_Gap]] = defaultdict(list)
    for gap in gaps:
        to[gap.target].append(gap)
        by[gap.source].append(gap)
    addresses = {probe.address for probe in probes}
    reached = {address for report in reports.values() for address in report.reached}
    isolated = [probe for probe in to if len(to[probe]) > 1 and probe.address not in reached]
    mute = [probe for probe in by if len(by[probe]) > 1 and not reports[probe].reached & addresses]
    for probe in isolated:
        named = f"pods on {probe.node} ({probe.address})"
        yield _failure(
            f"{named} cannot be reached from any other Node", to[probe], probe, probe.node
        )
    for probe in mute:
        yield _failure(f"pods on {probe.node} reach no other Node", by[probe], probe, probe.node)
    for source, found in by.items():
        for gap in found:
            if source not in mute and gap.target not in isolated:
                named = f"pods on {gap.target.node} ({gap.target.address})"
                what = f"pods on {source.node} cannot reach {named}"
                yield _failure(what, [gap], source, source.node, gap.target.node)


def _failure(what: str, gaps: Iterable[_Gap], probe: Probe, *nodes: str) -> Failure:
    times = [gap.since for gap in gaps]
    # RFC 3339 in one zone: text order is time order.
    since = max(times) if all(times) else ""
    text = f"{what} {f'since {since}' if since else 'yet'}: {_hint(probe)}"
    return Failure(text, since, nodes, frozenset(gap.source.node for gap in gaps))


def _hint(probe: Probe) -> str:
    return f"see `kubectl -n {NAMESPACE} logs {probe.pod}` and the pod network's log on that Node"


def _shortened(found: Iterable[Failure]) -> Iterator[Failure]:
    every = list(found)
    yield from every[:LINES]
    if len(every) > LINES:
        yield Failure(f"and {len(every) - LINES} more of this kind")
