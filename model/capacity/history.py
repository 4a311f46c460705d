"""What pods used over a longer time, and what of it counts for workloads and for Nodes.

CPU is a high percentile: it may be throttled for a moment. Memory is the maximum: what exceeds it
once is killed. Of a workload the pod counts that used the most, since all of its pods have the same
requests, and those that are gone too, or a release of an hour ago would seem to need nothing.
"""

import re
from collections.abc import Iterable, Iterator

from model.capacity.reading import History, Key, PodReading
from model.capacity.resources import Amounts, greatest, total

CPU_QUANTILE = 0.95
# The characters that Kubernetes makes random names of.
SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
RANDOM, HASH = re.compile(rf"(.+)-{SAFE}{{5}}"), re.compile(rf"(.+)-{SAFE}{{1,10}}")
ORDINAL = re.compile(r"(.+)-\d{1,9}")
RANDOMLY_NAMED = ("DaemonSet", "ReplicaSet", "ReplicationController", "Job")


def of_workloads(history: History | None, pods: Iterable[PodReading]) -> dict[Key, Amounts]:
    """Return the most that one pod of each workload used, by namespace and workload."""
    workloads = {pod.key: pod.workload for pod in pods}
    known = {(namespace, workload) for (namespace, _), workload in workloads.items()}
    found: dict[Key, Amounts] = {}
    for key, used in history.pods.items() if history else ():
        namespace, name = key
        owners = [workloads[key]] if key in workloads else former_owners(name)
        owner = next((each for each in owners if (namespace, each) in known), None)
        if owner:
            found[namespace, owner] = greatest([found.get((namespace, owner), {}), used])
    return found


def of_node(
    history: History | None, pods: Iterable[PodReading], momentary: Amounts
) -> dict[str, int]:
    """Return what a Node used: its pods over that time, and not less than at this moment."""
    known = history.pods if history else {}
    return greatest([momentary, total(known.get(pod.key, {}) for pod in pods)])


def former_owners(pod: str) -> Iterator[str]:
    """Yield which workloads a pod may have been of, as Kind/name, by its name alone."""
    if found := RANDOM.fullmatch(pod):
        yield from (f"{kind}/{found[1]}" for kind in RANDOMLY_NAMED)
        if of_set := HASH.fullmatch(found[1]):
            yield f"Deployment/{of_set[1]}"
    if found := ORDINAL.fullmatch(pod):
        yield f"StatefulSet/{found[1]}"


def span(seconds: int) -> str:
    """Return a time in the largest unit of which it is a whole number."""
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    return next(f"{seconds // size}{unit}" for unit, size in units if seconds % size == 0)
