"""The objects of clusters, rendered from the config; to import what renders them takes time."""

from collections.abc import Iterable
from typing import Any

from model.api_objects import Object
from model.applied_objects import applied_objects
from model.fleet import Cluster
from model.object_drift.mark import marks
from model.render import objects


def to_plain(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """Return the documents by digest, and the digests of each cluster's resources.

    Documents are there once: most clusters of a fleet are alike.
    """
    documents: dict[str, Object] = {}
    by_cluster: dict[str, list[list[str]]] = {}
    for cluster in clusters:
        resources = by_cluster.setdefault(cluster.name, [])
        for text in applied_objects(cluster).values():
            found = objects.parsed(text)
            digests = [mark.document for mark in marks(found)]
            documents.update(zip(digests, found, strict=True))
            resources.append(digests)
    return {"documents": documents, "clusters": by_cluster}
