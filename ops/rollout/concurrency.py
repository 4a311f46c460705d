"""How many workers are changed at a time, and which machines come first.

Workers are changed at most `limit` at a time, as a sliding window: as soon as one is done, the next
begins. Unhealthy machines come first: they serve no workload, and fixing one adds capacity.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ops.errors import OperatorError

T = TypeVar("T")


def unhealthy_first(machines: Iterable[T], is_ready: Callable[[T], bool]) -> list[T]:
    """Return the machines with unhealthy ones in front, otherwise in their order."""
    return sorted(machines, key=is_ready)


def run_bounded(machines: Sequence[T], limit: int, work: Callable[[T], None]) -> None:
    """Process all machines, at most `limit` at once.

    After the first failure no further machine is started; those in progress are waited for. All
    failures are raised together.
    """
    left = list(machines)
    running: set[Future[None]] = set()
    failures: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=limit) as pool:
        while running or (left and not failures):
            while left and len(running) < limit and not failures:
                running.add(pool.submit(work, left.pop(0)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            failures += [error for each in done if (error := each.exception())]
    _raise(failures)


def _raise(failures: list[BaseException]) -> None:
    for failure in failures:
        if not isinstance(failure, OperatorError):
            raise failure
    if failures:
        raise OperatorError("\n".join(dict.fromkeys(str(each) for each in failures)))
