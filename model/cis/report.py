"""What the benchmark's items say of a stack's machines and clusters.

It is also the document that `fleet cis -o json` prints: its fields are those of the schema in
docs/cis.schema.json.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from pydantic import Field

from model.cis.benchmark import CLUSTER_ITEMS, ITEMS, MACHINE_ITEMS, NUMBERS
from model.cis.cluster_facts import ClusterFacts
from model.cis.item import Item, Judgement, State
from model.cis.machine_facts import MachineFacts, NotKnown
from model.pins import CIS_BENCHMARK
from model.report import MachineEntry, ReportEntry, Unreadable


class Result(MachineEntry):
    """What an item says of a machine, or of a cluster: `node` is empty then."""

    item: str = Field(description="The item's number in the benchmark.")
    title: str = Field(description="What the item wants, in the program's own words.")
    level: Literal["automated", "manual"] = Field(
        description="Whether the benchmark has it decided by a program or by a person."
    )
    state: State = Field(
        description="`fail` is of automated items only; `manual` is for a person to decide."
    )
    found: str = Field(description="What was found.")
    remedy: str = Field(description="What to do; empty if it passes.")


class Summary(ReportEntry):
    """How many items of a cluster are in each state; that of an item is its worst machine's."""

    cluster: str = Field(description="The cluster.")
    passed: int = Field(description="Items that pass on every machine that was read.")
    failed: int = Field(description="Items that fail on a machine.")
    manual: int = Field(description="Items that a person has to decide, and that do not fail.")
    unknown: int = Field(description="Items of which nothing could be read.")


class Report(ReportEntry):
    """What was found, in the order of clusters, items and machines."""

    time: datetime = Field(description="When it was read.")
    benchmark: str = Field(description="The version of the CIS Kubernetes Benchmark.")
    clusters: tuple[Summary, ...] = Field((), description="The counts of each cluster.")
    results: tuple[Result, ...] = Field((), description="All results.")
    unreadable: tuple[Unreadable, ...] = Field((), description="What could not be read, and why.")

    @property
    def failed(self) -> bool:
        """Whether an item fails."""
        return any(result.state is State.FAIL for result in self.results)


@dataclass(frozen=True)
class ReadMachine:
    """A machine's facts, or why it could not be read."""

    name: str
    facts: MachineFacts | None
    reason: str = ""


@dataclass(frozen=True)
class ReadCluster:
    """A cluster's facts, or why its objects could not be read; its machines."""

    name: str
    machines: tuple[ReadMachine, ...]
    facts: ClusterFacts | None
    reason: str = ""


def report(clusters: Iterable[ReadCluster], numbers: Collection[str] = NUMBERS) -> Report:
    """Judge clusters by the items with these numbers."""
    parts = [_Judged(cluster, numbers) for cluster in clusters]
    return Report(
        time=datetime.now(UTC).replace(microsecond=0),
        benchmark=CIS_BENCHMARK,
        clusters=tuple(part.summary for part in parts),
        results=tuple(result for part in parts for result in part.results),
        unreadable=tuple(entry for part in parts for entry in part.unreadable),
    )


class _Judged:
    """The results of one cluster."""

    def __init__(self, cluster: ReadCluster, numbers: Collection[str]) -> None:
        self._cluster = cluster.name
        self._reasons: dict[tuple[str, str], list[str]] = {}
        found = [*self._of_machines(cluster, numbers), *self._of_cluster(cluster, numbers)]
        # All machines of an item follow each other.
        order = {number: place for place, number in enumerate(NUMBERS)}
        self.results = sorted(found, key=lambda result: order[result.item])
        self.summary = _summary(cluster.name, self.results, numbers)

    @property
    def unreadable(self) -> Iterator[Unreadable]:
        """What could not be read, with the items that it leaves open where these are not all."""
        for (node, reason), numbers in self._reasons.items():
            items = f" (items {numbers[0]} to {numbers[-1]})" if numbers[1:] else ""
            if numbers and not items:
                items = f" (item {numbers[0]})"
            yield Unreadable(cluster=self._cluster, node=node, reason=f"{reason}{items}")

    def _of_machines(self, cluster: ReadCluster, numbers: Collection[str]) -> Iterator[Result]:
        items = [item for item in MACHINE_ITEMS if item.number in numbers]
        for machine in cluster.machines:
            if not items:
                break
            if machine.facts is None:
                self._reasons[machine.name, machine.reason] = []
                continue
            for item in items:
                if not item.concerns(machine.facts):
                    continue
                yield from self._judged(item, partial(item.judge, machine.facts), machine.name)

    def _of_cluster(self, cluster: ReadCluster, numbers: Collection[str]) -> Iterator[Result]:
        items = [item for item in CLUSTER_ITEMS if item.number in numbers]
        if items and cluster.facts is None:
            self._reasons["", cluster.reason] = []
            return
        for item in items:
            assert cluster.facts is not None
            yield from self._judged(item, partial(item.judge, cluster.facts), "")

    def _judged(self, item: Item, judge: Callable[[], Judgement], node: str) -> Iterator[Result]:
        """Yield the result, or note why there is none: malformed facts hide nothing else."""
        try:
            yield self._result(item, judge(), node)
        except NotKnown as missing:
            self._reasons.setdefault((node, str(missing)), []).append(item.number)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"its facts are malformed: {type(error).__name__}: {error}"
            self._reasons.setdefault((node, reason), []).append(item.number)

    def _result(self, item: Item, judgement: Judgement, node: str) -> Result:
        state = item.state(judgement)
        return Result(
            cluster=self._cluster,
            node=node,
            item=item.number,
            title=item.title,
            level="automated" if item.automated else "manual",
            state=state,
            found=_printable(judgement.found),
            remedy="" if state is State.PASS else item.remedy,
        )


def _printable(text: str) -> str:
    """Return a text without what a terminal would obey: names of files may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _summary(cluster: str, results: Iterable[Result], numbers: Collection[str]) -> Summary:
    states: dict[str, set[State]] = {}
    for result in results:
        states.setdefault(result.item, set()).add(result.state)
    failed = sum(State.FAIL in found for found in states.values())
    manual = sum(State.MANUAL in found and State.FAIL not in found for found in states.values())
    return Summary(
        cluster=cluster,
        passed=len(states) - failed - manual,
        failed=failed,
        manual=manual,
        unknown=len({item.number for item in ITEMS} & set(numbers)) - len(states),
    )
