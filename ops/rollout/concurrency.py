"""How many workers are changed at a time, and which machines come first.

Pools with a limit of their own are changed in parallel with the others, which share the cluster's.
Within a limit, workers are changed as a sliding window: as soon as one is done, the next begins.
Unhealthy machines come first: they serve no workload, and fixing one adds capacity.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from ops.errors import OperatorError

T = TypeVar("T")


@dataclass(frozen=True)
class Group(Generic[T]):
    """Machines of which at most `limit` are changed at a time."""

    machines: Sequence[T]
    limit: int


def unhealthy_first(machines: Iterable[T], is_ready: Callable[[T], bool]) -> list[T]:
    """Return the machines with unhealthy ones in front, otherwise in their order."""
    return sorted(machines, key=is_ready)


def run_bounded(groups: Sequence[Group[T]], work: Callable[[T], None]) -> None:
    """Process all machines, the groups side by side, at most `limit` of each at once.

    After the first failure no further machine is started; those in progress are waited for. All
    failures are raised together.
    """
    left = [list(group.machines) for group in groups]
    running: list[set[Future[None]]] = [set() for _ in groups]
    failures: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=max(1, sum(group.limit for group in groups))) as pool:
        while any(running) or (any(left) and not failures):
            for group, waiting, begun in zip(groups, left, running, strict=True):
                while waiting and len(begun) < group.limit and not failures:
                    begun.add(pool.submit(work, waiting.pop(0)))
            done, _ = wait(set().union(*running), return_when=FIRST_COMPLETED)
            failures += [error for each in done if (error := each.exception())]
            for begun in running:
                begun -= done
    _raise(failures)


def _raise(failures: list[BaseException]) -> None:
    for failure in failures:
        if not isinstance(failure, OperatorError):
            raise failure
    if failures:
        raise OperatorError("\n".join(dict.fromkeys(str(each) for each in failures)))
