"""Many clusters as busy as real ones, to measure what it costs to watch them.

Run it as a program with the numbers of clusters and of Nodes of each; prints a kubeconfig as a line
of JSON, and lives until it is ended.
"""

import json
import sys
import threading
from typing import Any

from model.applied_objects import applied_objects
from model.load import load
from model.object_drift.kinds import KINDS
from model.object_drift.loss import completed
from model.object_drift.mark import marks
from ops.kube.apply import FIELD_MANAGER
from ops.kube.resources import path_of
from ops.watch.watcher import NODES_PATH
from tests.model.examples import CONTAINER
from tests.model.object_drift.marking import marked
from tests.ops.watch.watched_api import WRITTEN, Apis, Cluster, node, reaches


def apply_all(cluster: Cluster) -> None:
    """Put what a run applies into a cluster: the metadata of each object, with its fields."""
    (its, *_) = load(CONTAINER).clusters
    for documents in applied_objects(its).values():
        for document, mark in zip(documents, marks(documents), strict=True):
            kind = KINDS[document["apiVersion"], document["kind"]]
            metadata = document["metadata"]
            namespace = metadata.get("namespace", "")
            content = {key: document[key] for key in document if key not in ("apiVersion", "kind")}
            own = {
                "manager": FIELD_MANAGER,
                "operation": "Apply",
                "time": WRITTEN,
                "fieldsV1": fields_of(content),
            }
            # The stand-ins know objects by their names alone.
            name = f"{namespace}-{metadata['name']}" if namespace else metadata["name"]
            live = {"metadata": {**metadata, "name": name, "managedFields": [own]}}
            path = path_of(document["apiVersion"], kind.plural, namespace * bool(kind.namespaces))
            cluster.put(path, marked(live, completed(mark, live)))


def fields_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an object, lists as one field."""
    return {
        f"f:{key}": fields_of(value) if isinstance(value, dict) else {}
        for key, value in content.items()
    }


def main(clusters: int, nodes: int) -> None:
    """Serve clusters whose Nodes and leases are as busy as real ones, until this is ended."""
    apis = Apis()
    for index in range(clusters):
        apply_all(apis.add(f"c{index}", nodes))
    names = list(apis.clusters)
    print(json.dumps({"kubeconfig": apis.kubeconfig(*names)}), flush=True)
    every = [(cluster, f"n{index}") for cluster in apis.clusters.values() for index in range(nodes)]
    stop = threading.Event()
    count = 0
    # Each kubelet reports its Node every five minutes, each probe once a minute.
    while not stop.wait(0.2):
        count += 1
        if count % 75 == 1:
            for cluster in apis.clusters.values():
                cluster.measure()
        for offset in range(max(1, len(every) // 1500)):
            cluster, name = every[(count * 7919 + offset * 104729) % len(every)]
            cluster.put(
                NODES_PATH,
                node(name, is_plane=name == "n0", fill=f"{count}" + "x" * 8000),
            )
        for offset in range(max(1, len(every) // 250)):
            cluster, name = every[(count * 7907 + offset * 104723) % len(every)]
            cluster.log(f"probe-{name}", "probe", reaches(nodes, int(name[1:])))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
