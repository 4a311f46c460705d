"""Aggregated APIs: whether API servers reach them, and when metrics-server's certificate ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model.aggregated_api import API_SERVICES, BEGINS, EXPIRES
from model.api_objects import Json
from model.render import metrics_server
from model.status import starting
from model.status.condition import Condition, Severity
from model.status.fleet import Certificate
from ops.kube.client import Client
from ops.kube.conditions import condition
from ops.kube.errors import ApiError

API = metrics_server.API
REGISTRATIONS = f"/apis/{API_SERVICES}/apiservices"
PATH = f"{REGISTRATIONS}/{API.name}"
UNAVAILABLE, OTHER_UNAVAILABLE = "MetricsUnavailable", "APIServiceUnavailable"
NO_SERVICE, NO_POD = "ServiceNotFound", "MissingEndpoints"
# A certificate that has less than this share of its lifetime left should have been renewed.
DUE_SHARE = 0.1
RUNBOOK = "docs/runbooks/metrics-unavailable.md"


@dataclass(frozen=True)
class MetricsReading:
    """The certificate, None if this program did not issue it; what is wrong."""

    certificate: Certificate | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Registration:
    """An API that something else than the API server serves, and whether it is reached.

    `reason`, `message` and `since` are why it is or is not, and since when; `validity` is that of
    its certificate, if this program has issued it.
    """

    name: str
    group: str
    created: datetime | None
    is_unavailable: bool
    reason: str
    message: str
    since: datetime | None
    validity: tuple[datetime, datetime] | None

    @property
    def is_of_metrics(self) -> bool:
        """Whether it is metrics-server's."""
        return self.name == API.name

    @property
    def lacks_service(self) -> bool:
        """Whether its Service does not exist: only a mistake, so there is nothing to wait for."""
        return self.reason == NO_SERVICE


def read(client: Client, cluster: str) -> MetricsReading:
    """Read the registration; nothing is known where there is none, or it may not be read."""
    try:
        found = client.find(PATH)
    except ApiError:
        return MetricsReading()
    if found is None:
        return MetricsReading()
    known = registration(found)
    if known is None:
        return MetricsReading()
    certificate = known.validity and Certificate(subject=API.service, expires=known.validity[1])
    return MetricsReading(certificate, tuple(conditions(cluster, known, client.clock.now())))


def warnings(client: Client) -> Iterator[str]:
    """Yield a line if API servers have not reached it for longer than it takes to start."""
    try:
        found = client.find(PATH)
        available = condition(found or {}, "Available")
        since = datetime.fromisoformat(available.get("lastTransitionTime") or "")
    except (ApiError, ValueError):
        return
    is_new = starting.is_starting(since, client.clock.now())
    if available.get("status") == "False" and not is_new:
        yield (
            f"{API.service}: the API has not served {API.group} since {since:%Y-%m-%d %H:%M} UTC: "
            f"{available.get('message')}: see {RUNBOOK}"
        )


def is_starting(client: Client) -> bool:
    """Whether metrics-server is registered, and so young that it may not have measured yet."""
    try:
        found = client.find(PATH)
    except ApiError:
        return False
    return found is not None and starting.is_starting(_created(found), client.clock.now())


def registration(found: Json) -> Registration | None:
    """Return a registration, as the API has it; None if the API server itself serves that API."""
    spec = found.get("spec") or {}
    if not spec.get("service"):
        return None
    available = condition(found, "Available")
    return Registration(
        name=found["metadata"]["name"],
        group=spec.get("group", ""),
        created=_created(found),
        is_unavailable=available.get("status") == "False",
        reason=str(available.get("reason")),
        message=str(available.get("message")),
        since=_time(available.get("lastTransitionTime")),
        validity=_validity(found),
    )


def conditions(cluster: str, found: Registration, now: datetime) -> Iterator[Condition]:
    """Yield what is wrong with a registration at this time of the API server's clock."""
    yield from filter(None, (unavailable(cluster, found, now), expiring(cluster, found, now)))


def unavailable(cluster: str, found: Registration, now: datetime) -> Condition | None:
    """Return that API servers do not reach it; None if they do, or another condition says so."""
    # Without a pod of metrics-server that is ready, the add-on has a condition of its own.
    if not found.is_unavailable or (found.is_of_metrics and found.reason == NO_POD):
        return None
    what = f"the API does not serve {found.group}"
    if found.is_of_metrics:
        condition = Condition(
            cluster=cluster,
            severity=Severity.WARNING,
            reason=UNAVAILABLE,
            since=found.since,
            message=f"{what}: {found.message}",
        )
    else:
        condition = Condition(
            cluster=cluster,
            kind="object",
            name=f"APIService {found.name}",
            severity=Severity.WARNING,
            reason=OTHER_UNAVAILABLE,
            since=found.since,
            message=f"{what}: {found.reason}: {found.message}",
        )
        if found.lacks_service:
            return condition
    return starting.judged(condition, found.created, now)


def expiring(cluster: str, found: Registration, now: datetime) -> Condition | None:
    """Return that metrics-server's certificate should have been renewed; None if it need not be."""
    if not found.is_of_metrics or not found.validity:
        return None
    begins, expires = found.validity
    if expires - now >= (expires - begins) * DUE_SHARE:
        return None
    return Condition(
        cluster=cluster,
        severity=Severity.WARNING,
        reason="CertificateExpires",
        message=f"the certificate of {API.service} expires at {expires:%Y-%m-%d %H:%M} UTC "
        "and was not renewed: run `fleet up`",
    )


def _created(found: Json) -> datetime | None:
    return _time((found.get("metadata") or {}).get("creationTimestamp"))


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _validity(found: Json) -> tuple[datetime, datetime] | None:
    said = found["metadata"].get("annotations") or {}
    try:
        begins, expires = (datetime.fromisoformat(said[key]) for key in (BEGINS, EXPIRES))
    except (KeyError, ValueError):
        return None
    return begins, expires
