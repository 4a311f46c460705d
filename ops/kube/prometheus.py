"""What pods used over a longer time, as a cluster's own Prometheus has it.

It is asked through the API server, as `kubectl get --raw` does: no port is open, and nothing but
the kubeconfig is needed. https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from model.capacity.history import CPU_QUANTILE
from model.capacity.reading import History, Key
from model.capacity.resources import CPU, MEMORY
from ops import fan_out
from ops.errors import text_of
from ops.kube.client import Client
from ops.kube.errors import ApiError

NAME = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
SOURCE = re.compile(rf"({NAME})/((?:https?:)?{NAME}:{NAME})((?:/[A-Za-z0-9_-][A-Za-z0-9_.~-]*)*)/?")
FORM = "NAMESPACE/SERVICE:PORT, or NAMESPACE/https:SERVICE:PORT"
# Averages of five minutes are looked at, of a long time fewer than all: so many at most.
RATE_SECONDS, MOST_STEPS = 300, 2016
CONTAINERS = '{container!="",pod!=""}'
BY_POD, BY_CONTAINER = "sum by (namespace, pod)", "max by (namespace, pod, container)"
# A pod takes a hundred bytes: forty thousand of them, those that are gone included.
MOST_BYTES = 4 << 20
# No pod uses as much: what says so is wrong.
MOST_USED = 1 << 60


@dataclass(frozen=True)
class Source:
    """A service of a Prometheus, the same in each cluster; `service` is as in a proxy's path."""

    namespace: str
    service: str
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Return the source of NAMESPACE/[https:]SERVICE:PORT[/PATH]; raise ValueError."""
        found = SOURCE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not {FORM}")
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}{self.path}"

    @property
    def query_path(self) -> str:
        """Return the path of its queries at the API server."""
        service = f"/api/v1/namespaces/{self.namespace}/services/{self.service}"
        return f"{service}/proxy{self.path}/api/v1/query"


def cpu_expression(seconds: int) -> str:
    """Return the query for a percentile of the CPU of each pod, in cores."""
    rates = f"rate(container_cpu_usage_seconds_total{CONTAINERS}[{RATE_SECONDS}s])"
    return f"quantile_over_time({CPU_QUANTILE}, {_of_pods(rates, seconds)})"


def memory_expression(seconds: int) -> str:
    """Return the query for the most memory (working set) of each pod, in bytes."""
    sizes = f"container_memory_working_set_bytes{CONTAINERS}"
    return f"max_over_time({_of_pods(sizes, seconds)})"


def read(client: Client, source: Source, over_seconds: int, seconds: float) -> History:
    """Ask for each resource; return within `seconds` what was used, or why it is not known."""
    limited = client.limited(retries=0, seconds=max(0.1, seconds))

    def ask(query: tuple[str, float]) -> dict[Key, int]:
        expression, unit = query
        return limited.bounded(
            source.query_path,
            MOST_BYTES,
            lambda answer: parsed(answer, unit),
            query=expression,
            timeout=f"{max(1, math.ceil(seconds))}s",
        )

    queries = [(cpu_expression(over_seconds), 1000.0), (memory_expression(over_seconds), 1.0)]
    answers = fan_out.ask(queries, ask, max(0.0, seconds))
    for error in (each.error for each in answers):
        if error is not None:
            reason = str(error) if isinstance(error, ApiError) else text_of(error)
            return History(str(source), over_seconds, reason=reason)
    cpu, memory = (each.value or {} for each in answers)
    pods = {key: {CPU: cpu[key], MEMORY: memory[key]} for key in cpu if key in memory}
    reason = "" if pods else "it has no metrics of containers"
    return History(str(source), over_seconds, pods, reason)


def parsed(answer: bytes, unit: float) -> dict[Key, int]:
    """Return the value of each pod, in the unit of a resource; raise ValueError."""
    try:
        found = json.loads(answer)
        if found["status"] == "success":
            return _by_pod(found["data"], unit)
        said = f"{found.get('errorType')}: {found.get('error')}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        said = "its answer is not one of Prometheus"
    raise ValueError(said)


def _by_pod(data: Any, unit: float) -> dict[Key, int]:
    if data["resultType"] != "vector":
        raise TypeError
    values: dict[Key, int] = {}
    for each in data["result"]:
        metric, value = each["metric"], float(each["value"][1])
        # NaN and infinity are no amounts, and what has no name is no pod's.
        if 0 <= value < MOST_USED and {"namespace", "pod"} <= metric.keys():
            values[str(metric["namespace"]), str(metric["pod"])] = math.ceil(value * unit)
    return values


def _of_pods(series: str, seconds: int) -> str:
    """Return a subquery for the sum of each pod's containers.

    Where two Prometheus scrape the same kubelets, or a container has just restarted, a container
    has two series, of which the greater one counts.
    """
    step = max(RATE_SECONDS, math.ceil(seconds / MOST_STEPS))
    return f"{BY_POD} ({BY_CONTAINER} ({series}))[{seconds}s:{step}s]"
