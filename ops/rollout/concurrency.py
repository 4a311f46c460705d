"""Changes of machines in parallel: in each group at most its limit, and none after a failure.

Workers of pools with a limit of their own are changed in parallel with the others, which share the
cluster's. Within a limit, workers are changed as a sliding window: as soon as one is done, the next
begins. Unhealthy machines come first: they serve no workload, and fixing one adds capacity.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ops.errors import OperatorError
from ops.interruption import Interrupted

T = TypeVar("T")


def unhealthy_first(machines: Iterable[T], is_ready: Callable[[T], bool]) -> list[T]:
    """Return the machines with unhealthy ones in front, otherwise in their order."""
    return sorted(machines, key=is_ready)


def run_bounded(
    groups: Mapping[str, Sequence[T]], limit: Callable[[str], int], work: Callable[[T], None]
) -> None:
    """Process all machines, the groups in parallel, at most `limit` of each at a time.

    The limit is computed before each machine, since it depends on the results of the others. After
    the first failure no further machine is started; those in progress are waited for. All failures
    are raised together.
    """
    left = {group: list(machines) for group, machines in groups.items()}
    running: dict[str, set[Future[None]]] = {group: set() for group in groups}
    failures: list[BaseException] = []
    with ThreadPoolExecutor(max_workers=max(1, sum(map(len, left.values())))) as pool:
        while any(running.values()) or (any(left.values()) and not failures):
            for group, waiting in left.items():
                while waiting and len(running[group]) < limit(group) and not failures:
                    running[group].add(pool.submit(work, waiting.pop(0)))
            done, _ = wait(set().union(*running.values()), return_when=FIRST_COMPLETED)
            failures += [error for future in done if (error := future.exception())]
            for begun in running.values():
                begun -= done
    _raise(failures)


def _raise(failures: list[BaseException]) -> None:
    for failure in failures:
        if not isinstance(failure, OperatorError):
            raise failure
    if failures:
        interrupted = all(isinstance(failure, Interrupted) for failure in failures)
        raise (Interrupted if interrupted else OperatorError)(
            "\n".join(dict.fromkeys(map(str, failures)))
        )
