"""Volumes that tie a pod to Nodes: a local disk, or a disk of one zone.

The pod does not say so: its claim names a volume, whose node affinity the scheduler respects.
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity
"""

from collections.abc import Iterable, Iterator
from typing import Any

from model.api_objects import Json
from ops.kube.client import Client
from ops.kube.errors import ApiError


def with_affinity(client: Client, pods: Iterable[Json]) -> list[Json]:
    """Return the pods, those with such volumes with the required terms as `volumeAffinity`.

    A volume that the API does not report is ignored: such a pod is judged without it.
    """
    return [
        {**pod, "volumeAffinity": terms} if (terms := [*_terms(client, pod)]) else pod
        for pod in pods
    ]


def _terms(client: Client, pod: Json) -> Iterator[Any]:
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        try:
            claim = name and client.find(
                f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
            )
            bound = claim and claim["spec"].get("volumeName")
            found = bound and client.find(f"/api/v1/persistentvolumes/{bound}")
        except ApiError:
            continue
        if required := ((found or {}).get("spec", {}).get("nodeAffinity") or {}).get("required"):
            yield required["nodeSelectorTerms"]
