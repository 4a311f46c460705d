"""Aggregated APIs: whether API servers reach them, and when metrics-server's certificate ends."""

from collections.abc import Iterator, Mapping
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
# It can only be a mistake: there is nothing to wait for.
NO_SERVICE = "ServiceNotFound"
NO_POD = "MissingEndpoints"
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
    """An API that something else than the API server serves: whether it does, and since when it is.

    `validity` is that of its certificate, if this program has issued it.
    """

    name: str
    group: str
    created: datetime | None
    available: Mapping[str, Any]
    validity: tuple[datetime, datetime] | None


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
    return Registration(
        name=found["metadata"]["name"],
        group=spec.get("group", ""),
        created=_created(found),
        available=condition(found, "Available"),
        validity=_validity(found),
    )


def conditions(cluster: str, found: Registration, now: datetime) -> Iterator[Condition]:
    """Yield what is wrong with a registration at this time of the API server's clock."""
    of_metrics = found.name == API.name
    available = found.available
    # Without a pod of metrics-server that is ready, the add-on has a condition of its own.
    if available.get("status") == "False" and not (of_metrics and _reason(found) == NO_POD):
        unavailable = _of_metrics(cluster, found) if of_metrics else _of_another(cluster, found)
        yield starting.judged(unavailable, found.created, now)
    validity = found.validity
    if of_metrics and validity and validity[1] - now < (validity[1] - validity[0]) * DUE_SHARE:
        yield Condition(
            cluster=cluster,
            severity=Severity.WARNING,
            reason="CertificateExpires",
            message=f"the certificate of {API.service} expires at {validity[1]:%Y-%m-%d %H:%M} UTC "
            "and was not renewed: run `fleet up`",
        )


def _of_metrics(cluster: str, found: Registration) -> Condition:
    since: Any = found.available.get("lastTransitionTime")
    return Condition(
        cluster=cluster,
        severity=Severity.WARNING,
        reason=UNAVAILABLE,
        since=since,
        message=f"the API does not serve {found.group}: {found.available.get('message')}",
    )


def _of_another(cluster: str, found: Registration) -> Condition:
    since: Any = found.available.get("lastTransitionTime")
    return Condition(
        cluster=cluster,
        kind="object",
        name=f"APIService {found.name}",
        severity=Severity.WARNING,
        reason=OTHER_UNAVAILABLE,
        since=since,
        message=f"the API does not serve {found.group}: {_reason(found)}: "
        f"{found.available.get('message')}",
    )


def _reason(found: Registration) -> str:
    return str(found.available.get("reason"))


def _created(found: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(found["metadata"]["creationTimestamp"])
    except (KeyError, TypeError, ValueError):
        return None


def _validity(found: Json) -> tuple[datetime, datetime] | None:
    said = found["metadata"].get("annotations") or {}
    try:
        begins, expires = (datetime.fromisoformat(said[key]) for key in (BEGINS, EXPIRES))
    except (KeyError, ValueError):
        return None
    return begins, expires
