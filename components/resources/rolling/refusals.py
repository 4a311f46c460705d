"""What a rollout must not be asked to do: refused in the preview, before anything is touched."""

from collections.abc import Mapping
from typing import Any

from components.resources.provider import OperatorError
from components.resources.rolling.wanted import Cluster
from model import versions


def refuse_unsafe(olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    """Raise OperatorError when the way from the recorded cluster to the wanted one is not safe."""
    before, after = Cluster.of(olds), Cluster.of(news)
    if reason := versions.skew_error(before.version, after.version):
        raise OperatorError(f"cluster {after.name}: {reason}")
    if versions.parse(before.version).minor != versions.parse(after.version).minor:
        _refuse_joins(before, after)


def _refuse_joins(before: Cluster, after: Cluster) -> None:
    """A kubelet must never be newer than the API that it joins."""
    joining = [name for name in after.by_name if before.ids.get(name) != after.ids.get(name)]
    if joining:
        raise OperatorError(
            f"cluster {after.name}: {', '.join(joining)} would join with {after.version} while the "
            f"API is still {before.version}, and a kubelet must not be newer than its API: make "
            "two updates of it, first the machines, then kubernetesVersion (or the other way round)"
        )
