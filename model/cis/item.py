"""An item of the benchmark, and what it says of facts.

Titles and remedies are our own words: the benchmark's text is not free to copy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from model.cis.cluster_facts import ClusterFacts
from model.cis.machine_facts import MachineFacts

SHOWN = 4


class State(StrEnum):
    """What an item says of a machine or of a cluster."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    MANUAL = "manual"


@dataclass(frozen=True)
class Judgement:
    """Whether the facts are as the item wants them, None if they cannot say; what was found."""

    passed: bool | None
    found: str


MachineJudge = Callable[[MachineFacts], Judgement]
ClusterJudge = Callable[[ClusterFacts], Judgement]


@dataclass(frozen=True)
class Item:
    """An item; one that is not automated never fails: a person decides unless it passes."""

    number: str
    title: str
    remedy: str
    automated: bool

    def state(self, judgement: Judgement) -> State:
        """Return the state that follows from a judgement."""
        if judgement.passed:
            return State.PASS
        return State.FAIL if self.automated and judgement.passed is False else State.MANUAL


@dataclass(frozen=True)
class MachineItem(Item):
    """An item about each control plane, or about every machine."""

    judge: MachineJudge
    control_planes_only: bool

    def concerns(self, facts: MachineFacts) -> bool:
        """Whether the item is about this machine."""
        return facts.is_control_plane or not self.control_planes_only


@dataclass(frozen=True)
class ClusterItem(Item):
    """An item about a cluster as a whole."""

    judge: ClusterJudge


def listed(names: Iterable[str]) -> str:
    """Return some of the names, and how many there are more."""
    known = sorted(set(names))
    more = len(known) - SHOWN
    return ", ".join(known[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def both(*judges: MachineJudge) -> MachineJudge:
    """Judge by all of these; what is found is what does not pass, or everything."""

    def judge(facts: MachineFacts) -> Judgement:
        judgements = [each(facts) for each in judges]
        failed = [each for each in judgements if not each.passed]
        return Judgement(not failed, "; ".join(each.found for each in failed or judgements))

    return judge
