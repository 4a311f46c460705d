"""What machines report of themselves, read from the logs of their probe pods.

manifests/baseline/probe.yaml publishes it, model/host_digests.py says what it is. It costs one
request for each Node.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from model.api_objects import Json
from model.host_digests import HostReport, parse
from ops import fan_out
from ops.kube.client import Client
from ops.kube.cluster_health import PROBE_SELECTOR, SYSTEM_PODS
from ops.kube.conditions import condition, is_ready
from ops.kube.errors import ApiError

CONTAINER = "host"
LOG_SECONDS = 5
# Of many clusters, each is read by few threads.
READERS = 4
# A line of a log that is longer than 16 KiB is kept in pieces: so many of them.
PIECES = 2
NOT_YET = "it has not reported yet"


@dataclass(frozen=True)
class Reading:
    """What the machine of a Node reports, if it does; `is_reporting` is false if it stopped to.

    `unreadable` says why nothing is known; `started` is when its probe pod started, which the
    report is read from.
    """

    node: str
    report: HostReport | None = None
    is_reporting: bool = True
    unreadable: str = ""
    started: datetime | None = None

    @property
    def has_nothing(self) -> bool:
        """Whether it was read, and there is no report at all, as from a machine that starts."""
        return self.report is None and self.unreadable in ("", NOT_YET)


@dataclass(frozen=True)
class _Pod:
    node: str
    name: str
    started: datetime | None


def read(client: Client, seconds: float, parallel: int = READERS) -> list[Reading]:
    """Return a reading for each Node whose probe pod reports, by Node; raise ApiError.

    So many are asked at a time. What is not known after `seconds` is unreadable.
    """
    pods = [pod for pod in client.reduced(SYSTEM_PODS, _pod, labelSelector=PROBE_SELECTOR) if pod]
    answers = fan_out.ask(pods, partial(_read, client), seconds, parallel=parallel)
    readings = [
        answer.value or Reading(answer.target.node, unreadable=str(answer.error))
        for answer in answers
    ]
    return sorted(readings, key=lambda each: each.node)


def _pod(pod: Json) -> _Pod | None:
    """Reduce a pod; those that end or do not run are reported by others."""
    if "deletionTimestamp" in pod["metadata"] or not _runs(pod):
        return None
    if not any(each.get("name") == CONTAINER for each in pod["spec"].get("containers") or ()):
        return None
    started = pod["status"].get("startTime")
    return _Pod(
        pod["spec"].get("nodeName", ""),
        pod["metadata"]["name"],
        datetime.fromisoformat(started) if started else None,
    )


def _runs(pod: Json) -> bool:
    """Whether the container that reports runs.

    Another one of its pod may fail: that of a machine whose network is broken does, and the report
    says why. Of a Node that is silent, the containers stay as they were last.
    """
    if is_ready(pod):
        return True
    statuses = pod["status"].get("containerStatuses") or ()
    return condition(pod, "ContainersReady").get("status") == "False" and any(
        each["name"] == CONTAINER and each.get("ready") for each in statuses
    )


def _read(client: Client, pod: _Pod) -> Reading:
    path = f"{SYSTEM_PODS}/{pod.name}/log"
    try:
        text = client.limited(seconds=LOG_SECONDS).text(path, container=CONTAINER, tailLines=PIECES)
        lines = text.strip().splitlines()
        if not lines:
            return Reading(pod.node, unreadable=NOT_YET, started=pod.started)
        return parsed(pod.node, lines[-1], pod.started)
    except ApiError as error:
        return Reading(pod.node, unreadable=f"its log cannot be read: {error}")
    except (ValueError, KeyError, TypeError) as error:
        return Reading(pod.node, unreadable=f"its report cannot be read: {error}")


def parsed(node: str, line: str | bytes, started: datetime | None) -> Reading:
    """Return what a line of a probe's log says; raise KeyError, TypeError or ValueError."""
    said = json.loads(line)
    if said["report"] is None:
        return Reading(node, is_reporting=False, started=started)
    return Reading(node, parse(said["report"]), bool(said["reporting"]), started=started)
