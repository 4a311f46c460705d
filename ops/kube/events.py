"""The recent events of a cluster, or of one of its Nodes.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

import heapq
from dataclasses import dataclass
from datetime import datetime

from model.api_objects import Json
from ops.kube.client import Client

PATH = "/api/v1/events"


@dataclass(frozen=True)
class Event:
    """What happened to an object, most recently at `time`."""

    time: datetime
    kind: str
    reason: str
    subject: str
    message: str
    count: int


def newest(client: Client, number: int, *, node: str = "") -> list[Event]:
    """Return the newest warnings of a cluster, or all events of a Node, oldest first."""
    fields = "type=Warning"
    if node:
        fields = f"involvedObject.kind=Node,involvedObject.name={node}"
    found = client.reduced(PATH, read, fieldSelector=fields)
    latest = heapq.nlargest(number, filter(None, found), key=lambda event: event.time)
    return latest[::-1]


def read(event: Json) -> Event | None:
    """Return an event of the API; None if it has no time."""
    series = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        *(event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp")),
    )
    time = next((text for text in times if text), None)
    if time is None:
        return None
    about = event["involvedObject"]
    return Event(
        datetime.fromisoformat(time),
        event.get("type") or "",
        event.get("reason") or "",
        f"{about.get('kind', '')}/{about.get('name', '')}",
        " ".join((event.get("message") or "").split()),
        series.get("count") or event.get("count") or 1,
    )
