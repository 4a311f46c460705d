"""Each fault is told in time, with the limits that a fleet is watched with."""

import time

from tests.ops.watch.conftest import Begin
from tests.ops.watch.faults import FAULTS
from tests.ops.watch.watched_api import Apis


def test_faults_are_told_within_30_seconds_and_no_other(apis: Apis, watching: Begin) -> None:
    """One cluster for each fault, all at the same time, and one that has none."""
    names = {f"c{index}": fault for index, fault in enumerate(FAULTS)}
    for name in (*names, "fine"):
        apis.add(name, 3)
    watch = watching(*names, "fine")
    watch.until_known(*names, "fine")
    assert watch.told() == []
    for name, fault in names.items():
        FAULTS[fault][0](apis.clusters[name])
    begin, took = time.monotonic(), dict[str, float]()

    def are_told() -> bool:
        for name, fault in names.items():
            if len(watch.told(name)) >= len(FAULTS[fault][1]):
                took.setdefault(fault, time.monotonic() - begin)
        return took.keys() == FAULTS.keys()

    watch.until(are_told)
    # Whatever follows from them would be told soon after.
    watch.quiet(2)
    print(*(f"{fault}: told after {seconds:.1f} s" for fault, seconds in took.items()), sep="\n")
    told = {fault: sorted(watch.told(name)) for name, fault in names.items()}
    assert told == {
        fault: sorted(f"began {each}" for each in expected)
        for fault, (_, expected) in FAULTS.items()
    }
    assert watch.told("fine") == []
    assert all(event.fix and event.runbook for event in watch.events)
