"""What the credential should be able to read, and may not."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from model.status.condition import Condition, Severity
from model.watch import finding
from model.watch.finding import Finding
from ops.kube.cluster_status import APPS
from ops.kube.errors import ApiError
from ops.watch import sources
from ops.watch.collection import Collection
from ops.watch.leaders import LEASES
from ops.watch.reports import Reports

# An API server that has just started knows no roles for a moment, and what failed is tried again
# only after up to 20 s.
DENIAL_HOLD = 40.0
# Whether a path may be read.
ACCESS = partial(sources.of, "access")
# A cluster has the namespace of its own pod network alone; in others, nothing is granted.
NETWORK_PATHS = tuple(path for path in APPS if "/namespaces/kube-system/" not in path)
LOGS = "/api/v1/namespaces/kube-system/pods/NAME/log"
Lists = Iterable[Collection[Any]]


def is_denied(error: ApiError | None) -> bool:
    """Whether an answer says that something may not be read."""
    return error is not None and error.status == HTTPStatus.FORBIDDEN


def granted(lists: Lists) -> list[Collection[Any]]:
    """Return the lists that the credential should be able to read."""
    return [each for each in lists if each.path not in NETWORK_PATHS]


def is_read(listed: Collection[Any]) -> bool:
    """Whether a list is current, or may not be read since another pod network's would be there."""
    if is_denied(listed.error):
        return listed.path in NETWORK_PATHS
    return listed.is_current


def found(
    cluster: str, lists: Lists, leaders: ApiError | None, logs: Sequence[ApiError]
) -> list[Finding]:
    """Return what may not be read, given what leases and logs were refused with."""
    failures = {each.path: each.error for each in granted(lists) if each.error is not None}
    if leaders:
        failures[LEASES] = leaders
    for error in filter(is_denied, logs):
        failures[LOGS] = error
    return [
        finding.of(
            _denial(cluster, path, error),
            *(sources.PODS, ACCESS(path)) if path == LOGS else (ACCESS(path),),
            item=path,
            hold=DENIAL_HOLD,
        )
        for path, error in failures.items()
        if is_denied(error)
    ]


def unanswered(lists: Lists, reports: Reports) -> Iterator[str]:
    """Yield the sources of paths of which it is not known whether they may be read."""
    for each in granted(lists):
        if not (is_read(each) or is_denied(each.error)):
            yield ACCESS(each.path)
    if not (reports.is_any_read or any(map(is_denied, reports.errors()))):
        yield ACCESS(LOGS)


def _denial(cluster: str, path: str, error: ApiError) -> Condition:
    return Condition(
        cluster=cluster,
        severity=Severity.WARNING,
        reason="CannotRead",
        message=f"the credential for watching is not allowed to read {path}: {error}",
    )
