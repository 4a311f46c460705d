"""The objects of clusters, rendered from the config; to import what renders them takes time."""

import json
from collections.abc import Iterable
from typing import Any

from model.api_objects import Object
from model.applied_objects import applied_objects, registrations
from model.fleet import Cluster
from model.object_drift.mark import marks


def to_plain(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """Return the documents by digest, and the digests of each cluster's resources.

    Documents are there once: most clusters of a fleet are alike.
    """
    documents: dict[str, Object] = {}
    by_cluster: dict[str, list[list[str]]] = {}
    for cluster in clusters:
        resources = by_cluster.setdefault(cluster.name, [])
        for its in (*applied_objects(cluster).values(), *registrations(cluster)):
            # As they are read again from what is written of them.
            found = json.loads(json.dumps(its))
            digests = [mark.document for mark in marks(found)]
            documents.update(zip(digests, found, strict=True))
            resources.append(digests)
    return {"documents": documents, "clusters": by_cluster}
