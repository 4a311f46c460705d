"""Workloads: what their pods request and use, and where the two differ much."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from model.capacity.history import of_workloads
from model.capacity.reading import ClusterReading, Key, PodReading, requested
from model.capacity.resources import CPU, MEMORY, Amounts, total

# Differences below these are not told.
NOTEWORTHY = {CPU: 100, MEMORY: 128 << 20}
# Using less than this share of a request is little.
LITTLE = 0.5


class Finding(StrEnum):
    """What is noteworthy about the requests of a workload for a resource."""

    NONE = "none"
    OVER = "over"
    UNDER = "under"


@dataclass(frozen=True)
class Workload:
    """The pods of one controller, or a pod without one; `used` is None if it is not known.

    It is that of a longer time if `over_time`: of the pod that used the most, for each of its pods.
    `findings` are by resource: no request in a container (`none`), much less used than requested
    (`over`), more used than requested (`under`).
    """

    namespace: str
    name: str
    pods: int
    requests: Amounts
    limits: Amounts
    used: Amounts | None
    over_time: bool
    findings: dict[str, Finding]


def workloads(cluster: ClusterReading) -> Iterator[Workload]:
    """Yield the workloads of a cluster, by namespace and name."""
    groups: dict[tuple[str, str], list[PodReading]] = {}
    for pod in cluster.pods:
        groups.setdefault((pod.namespace, pod.workload), []).append(pod)
    most = of_workloads(cluster.history, cluster.pods)
    for (namespace, name), pods in sorted(groups.items()):
        of_each = most.get((namespace, name))
        by_pod = cluster.usage.pods if of_each is None else dict.fromkeys(map(_key, pods), of_each)
        measured = [pod for pod in pods if pod.key in by_pod]
        used = total(by_pod[pod.key] for pod in measured) if measured else None
        yield Workload(
            namespace=namespace,
            name=name,
            pods=len(pods),
            requests=requested(pods),
            limits=total(pod.limits for pod in pods),
            used=used,
            over_time=of_each is not None,
            findings=dict(_findings(pods, measured, used)),
        )


def _key(pod: PodReading) -> Key:
    return pod.key


def _findings(
    pods: Iterable[PodReading], measured: Sequence[PodReading], used: Amounts | None
) -> Iterator[tuple[str, Finding]]:
    without = {name for pod in pods for name in pod.without}
    asked = requested(measured)
    for name in (CPU, MEMORY):
        if name in without:
            yield name, Finding.NONE
        elif used is not None:
            wanted, taken = asked.get(name, 0), used.get(name, 0)
            if taken - wanted >= NOTEWORTHY[name]:
                yield name, Finding.UNDER
            elif taken < wanted * LITTLE and wanted - taken >= NOTEWORTHY[name]:
                yield name, Finding.OVER
