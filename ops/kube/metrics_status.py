"""Whether API servers reach aggregated APIs, and when metrics-server's certificate expires."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from model.aggregated_api import API_SERVICES, BEGINS, EXPIRES
from model.api_objects import Json
from model.render import metrics_server
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
# Without a pod that is ready, the add-on has a condition of its own.
NO_POD = "MissingEndpoints"
# A certificate that has less than this share of its lifetime left should have been renewed.
DUE_SHARE = 0.1
RUNBOOK = "docs/runbooks/metrics-unavailable.md"
# Longer than a first pod takes until it is ready and API servers have noticed.
STARTS = timedelta(minutes=2)


@dataclass(frozen=True)
class MetricsReading:
    """The certificate, None if this program did not issue it; what is wrong."""

    certificate: Certificate | None = None
    conditions: tuple[Condition, ...] = ()


def read(client: Client, cluster: str) -> MetricsReading:
    """Read the registration; nothing is known where there is none, or it may not be read."""
    try:
        found = client.find(PATH)
    except ApiError:
        return MetricsReading()
    if found is None:
        return MetricsReading()
    return judged(cluster, found)


def warnings(client: Client) -> Iterator[str]:
    """Yield a line if API servers have not reached it for longer than it takes to start."""
    try:
        found = client.find(PATH)
        available = condition(found or {}, "Available")
        since = datetime.fromisoformat(available.get("lastTransitionTime") or "")
    except (ApiError, ValueError):
        return
    if available.get("status") == "False" and datetime.now(UTC) - since > STARTS:
        yield (
            f"{API.service}: the API has not served {API.group} since {since:%Y-%m-%d %H:%M} UTC: "
            f"{available.get('message')}: see {RUNBOOK}"
        )


def registration(cluster: str, found: Json) -> tuple[Condition, ...] | None:
    """Return what is wrong with a registration; None if nothing is, or the API server serves it."""
    if found["metadata"]["name"] == API.name:
        return judged(cluster, found).conditions or None
    if not found["spec"].get("service"):
        return None
    return tuple(_others(cluster, found)) or None


def _others(cluster: str, found: Json) -> Iterator[Condition]:
    available = condition(found, "Available")
    if available.get("status") == "False":
        since: Any = available.get("lastTransitionTime")
        yield Condition(
            cluster=cluster,
            kind="object",
            name=f"APIService {found['metadata']['name']}",
            severity=Severity.WARNING,
            reason=OTHER_UNAVAILABLE,
            since=since,
            message=f"the API does not serve {found['spec'].get('group')}: "
            f"{available.get('reason')}: {available.get('message')}",
        )


def judged(cluster: str, found: Json) -> MetricsReading:
    """Judge a registration, as the API has it."""
    validity = _validity(found)
    certificate = Certificate(subject=API.service, expires=validity[1]) if validity else None
    return MetricsReading(certificate, tuple(_conditions(cluster, found, validity)))


def _conditions(
    cluster: str, found: Json, validity: tuple[datetime, datetime] | None
) -> Iterator[Condition]:
    available = condition(found, "Available")
    since: Any = available.get("lastTransitionTime")
    if available.get("status") == "False" and available.get("reason") != NO_POD:
        yield Condition(
            cluster=cluster,
            severity=Severity.WARNING,
            reason=UNAVAILABLE,
            since=since,
            message=f"the API does not serve {API.group}: {available.get('message')}",
        )
    if validity and validity[1] - datetime.now(UTC) < (validity[1] - validity[0]) * DUE_SHARE:
        yield Condition(
            cluster=cluster,
            severity=Severity.WARNING,
            reason="CertificateExpires",
            message=f"the certificate of {API.service} expires at {validity[1]:%Y-%m-%d %H:%M} UTC "
            "and was not renewed: run `fleet up`",
        )


def _validity(found: Json) -> tuple[datetime, datetime] | None:
    said = found["metadata"].get("annotations") or {}
    try:
        begins, expires = (datetime.fromisoformat(said[key]) for key in (BEGINS, EXPIRES))
    except (KeyError, ValueError):
        return None
    return begins, expires
