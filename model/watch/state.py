"""What is wrong in all clusters, and which events follow when that changes.

Pure: it is given what was found and both clocks, and returns events. `Outbox` keeps them until
everybody has them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from model.watch import problem
from model.watch.event import Change, Event
from model.watch.finding import Finding, Snapshot
from model.watch.outbox import Outbox
from model.watch.problem import RETURN, Problem

VERSION = 1
NOT_WATCHED = "the cluster is not watched any more"


@dataclass(frozen=True)
class Clock:
    """The time of day, and the seconds of a clock that does not jump."""

    time: datetime
    seconds: float


@dataclass
class State:
    """The problems of each cluster by their keys, when each ended before, and the events."""

    problems: dict[str, dict[str, Problem]] = field(default_factory=dict)
    ends: dict[str, dict[str, list[datetime]]] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)

    def update(self, cluster: str, snapshot: Snapshot, clock: Clock) -> list[Event]:
        """Take in what was found in a cluster; return what has to be told now."""
        problems = self.problems.setdefault(cluster, {})
        found = {each.key: each for each in snapshot.findings}
        for key, finding in found.items():
            known = problems.get(key)
            if known is None:
                began = min(finding.since or clock.time, clock.time)
                problems[key] = Problem(finding, began, clock.seconds)
            else:
                known.confirm(finding)
        for key in [key for key in problems if key not in found]:
            if snapshot.knows(problems[key].finding.sources):
                problems[key].miss(clock.time, clock.seconds)
            else:
                problems[key].doubt()
        return list(self._events(cluster, clock))

    def forget_all_but(self, clusters: Collection[str], clock: Clock) -> list[Event]:
        """End what is wrong in clusters that are not watched any more."""
        events = []
        for cluster in sorted(set(self.problems) - set(clusters)):
            for each in self.problems.pop(cluster).values():
                if each.told:
                    each.miss(clock.time, clock.seconds)
                    events.append(self._event(Change.ENDED, each, clock, NOT_WATCHED))
            self.ends.pop(cluster, None)
        return events

    def is_settled(self, cluster: str) -> bool:
        """Whether nothing has to be told unless something changes."""
        every = self.problems.get(cluster, {}).values()
        return all(each.told and each.gone is None for each in every)

    def told(self, cluster: str) -> list[Problem]:
        """Return the problems of a cluster that were reported and have not ended."""
        return [each for each in self.problems.get(cluster, {}).values() if each.told]

    def _events(self, cluster: str, clock: Clock) -> Iterator[Event]:
        problems = self.problems[cluster]
        for key, each in list(problems.items()):
            if each.is_due(clock.seconds):
                each.told = True
                yield self._event(Change.BEGAN, each, clock)
            elif each.gone is not None and not each.told:
                del problems[key]
            elif each.is_over(clock.seconds, self._returns(cluster, key, clock.time)):
                del problems[key]
                self.ends.setdefault(cluster, {}).setdefault(key, []).append(clock.time)
                yield self._event(Change.ENDED, each, clock)

    def _returns(self, cluster: str, key: str, time: datetime) -> int:
        """Return how often a problem ended in the last hour, and forget what is older."""
        every = self.ends.get(cluster, {})
        # Also what a clock that has jumped back has left in the future.
        recent = [end for end in every.get(key, ()) if abs(time - end) <= RETURN]
        if recent:
            every[key] = recent
        else:
            every.pop(key, None)
        return len(recent)

    def _event(self, change: Change, each: Problem, clock: Clock, note: str = "") -> Event:
        found: Finding = each.finding
        ended = each.ended if change is Change.ENDED else None
        return self.outbox.add(
            Event(
                id=self.outbox.next_id,
                time=clock.time,
                event=change,
                cluster=found.cluster,
                kind=found.kind,
                name=found.name,
                severity=found.severity,
                reason=found.reason,
                message=found.message,
                fix=found.fix,
                runbook=found.runbook,
                began=each.began,
                ended=max(ended, each.began) if ended else None,
                note=note,
            )
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a restart has to know."""
        return {
            "version": VERSION,
            "problems": {
                cluster: [each.to_json() for each in every.values() if each.told]
                for cluster, every in self.problems.items()
            },
            "ends": {
                cluster: {key: [end.isoformat() for end in ends] for key, ends in every.items()}
                for cluster, every in self.ends.items()
            },
            "outbox": self.outbox.to_json(),
        }


def from_json(said: Any, clock: Clock) -> State:
    """Return a state as it was written; raise ValueError for anything else."""
    try:
        if said["version"] != VERSION:
            raise ValueError(f"its version is {said['version']}, not {VERSION}")
        state = State(outbox=Outbox.from_json(said["outbox"]))
        for cluster, every in said["problems"].items():
            read = [problem.from_json(cluster, each, clock.seconds) for each in every]
            state.problems[cluster] = {each.finding.key: each for each in read}
        for cluster, ends in said["ends"].items():
            state.ends[cluster] = {
                key: [datetime.fromisoformat(end) for end in times] for key, times in ends.items()
            }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is incomplete: {error!r}") from None
    return state
