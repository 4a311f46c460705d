"""How full the disks of a cluster's Nodes are: kubelets answer with their statistics.

https://kubernetes.io/docs/reference/config-api/kubelet-stats.v1alpha1/
"""

import json
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from model.api_objects import Object
from model.capacity.disks import DiskReading, DisksReading, FileSystemReading
from model.capacity.reading import NodeReading
from ops import fan_out
from ops.errors import text_of
from ops.fan_out import Late
from ops.kube import kubelets
from ops.kube.client import Client
from ops.kube.errors import ApiError

QUESTION = "stats/summary"
# Of a Node with hundreds of pods.
MOST_BYTES = 8 << 20
# No disk is as large: what says so is wrong.
MOST_CAPACITY = 1 << 60
# Most of an answer is about pods, and comes after what is about the Node.
NODE_FIRST = re.compile(r'\s*\{\s*"node"\s*:\s*')
DECODER = json.JSONDecoder()
NO_TIME = "no time was left"
NO_ACCESS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def read(
    client: Client, nodes: Sequence[NodeReading], seconds: float, parallel: int
) -> DisksReading:
    """Ask so many kubelets at a time; return within `seconds` what those said that answered.

    One that refuses for lack of access does so for all: no other one is asked then.
    """
    end = time.monotonic() + seconds
    refusals: list[ApiError] = []

    def ask(node: NodeReading) -> DiskReading:
        if refusals:
            raise refusals[0]
        left = max(0.1, min(kubelets.NODE_SECONDS, end - time.monotonic()))
        limited = client.limited(retries=0, seconds=left)
        try:
            return limited.bounded(kubelets.path(node.name, QUESTION), MOST_BYTES, parsed)
        except ApiError as error:
            if error.status in NO_ACCESS:
                refusals.append(error)
            raise

    order = sorted(nodes, key=lambda node: not node.is_ready)
    answers = fan_out.ask(order, ask, max(0.0, seconds), parallel=parallel)
    return DisksReading(
        {each.target.name: each.value for each in answers if each.value},
        {each.target.name: _reason(error, seconds) for each in answers if (error := each.error)},
    )


def parsed(answer: bytes) -> DiskReading:
    """Return the file systems of a summary; raise ValueError if it has none."""
    text = answer.decode(errors="replace")
    try:
        begin = NODE_FIRST.match(text)
        node = DECODER.raw_decode(text, begin.end())[0] if begin else json.loads(text)["node"]
        nodefs = file_system(node.get("fs") or {})
        imagefs = file_system((node.get("runtime") or {}).get("imageFs") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("its answer is not a summary of statistics") from None
    if nodefs is None and imagefs is None:
        raise ValueError("its summary has no file system")
    return DiskReading(nodefs, imagefs)


def file_system(stats: Object) -> FileSystemReading | None:
    """Return a file system; None if its size is not said, or makes no sense.

    What a kubelet calls used is not asked: of images, that is what images take.
    """
    capacity, available = _bytes(stats.get("capacityBytes")), _bytes(stats.get("availableBytes"))
    if capacity and available is not None and available <= capacity:
        return FileSystemReading(capacity, available)
    return None


def _bytes(value: Any) -> int | None:
    is_size = type(value) is int and 0 <= value <= MOST_CAPACITY
    return value if is_size else None


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, Late):
        return str(Late(round(seconds, 1))) if seconds > 0 else NO_TIME
    return str(error) if isinstance(error, (ApiError, ValueError)) else text_of(error)
