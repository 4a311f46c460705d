"""What a report reads over the APIs of clusters: status, differences and capacity, together.

Each cluster is asked once: a list that several of them need is read for all (`LISTS`).
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from model.fleet_report import compared
from model.fleet_report.compared import Compared
from model.status.fleet import FleetStatus
from ops import fan_out
from ops.errors import text_of
from ops.fan_out import Late
from ops.kube.cluster_health import PROBE_SELECTOR, SYSTEM_PODS
from ops.kube.cluster_status import APPS
from ops.kube.shared_client import List
from scripts.fleet import consistency, fleet_capacity, status_command
from scripts.fleet.options import View
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import Target

# How many read each list: Nodes all three, workloads the first two, probes the first one twice.
LISTS: dict[List, int] = {
    ("/api/v1/nodes", ""): 3,
    **{(path, ""): 2 for path in APPS},
    (SYSTEM_PODS, PROBE_SELECTOR): 2,
}
# Both end by themselves in time; to compare many clusters after that is work, which is waited for.
COMPARISON_SECONDS = 10.0


def read(
    stack: str, view: View, targets: Sequence[Target], cache: StatusCache
) -> tuple[FleetStatus, Compared]:
    """Ask all clusters; return their status, and what they are compared by."""
    for target in targets:
        target.share(LISTS)
    deadline = time.monotonic() + view.seconds + COMPARISON_SECONDS
    declares = stack if view.kubeconfig is None else None
    calls: list[Callable[[], Any]] = [
        partial(consistency.compare, declares, targets, view.seconds),
        partial(fleet_capacity.gather, targets, view.seconds),
    ]
    begun = [fan_out.begin(call) for call in calls]
    status = status_command.ask(stack, view, targets, cache)
    differences, capacity = (answer(deadline - time.monotonic()) for answer in begun)
    reasons = [reason(each.error, view.seconds) for each in (differences, capacity)]
    return status, compared.of_clusters(differences.value, capacity.value, reasons)


def reason(error: Exception | None, seconds: float) -> str:
    """Return why something was not read."""
    return str(Late(seconds)) if error is None or isinstance(error, Late) else text_of(error)
