"""Records the facts of a good cluster, for the tests of this folder.

`python -m tests.model.cis.recorder STACK CLUSTER` reads a running stack: what a control plane and a
worker print, and the objects of the API. Read the difference before keeping it.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from model.cis.cluster_facts import is_built_in
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from ops.kube import cis_objects
from ops.kube.client import Client
from scripts.fleet import access, engine_run
from tests.model.cis.good import OBJECTS, RECORDED

# What the facts of an item need, of an object and of a pod's spec.
KEPT = ("metadata", "roleRef", "rules", "subjects")
KEPT_METADATA = ("name", "namespace", "labels")
KEPT_SPEC = ("containers", "initContainers", "securityContext", "serviceAccountName", "volumes")
KEPT_CONTAINER = ("env", "envFrom", "name", "securityContext")


def record(machines: Iterable[InventoryMachine], client: Client) -> None:
    """Write the facts of the machines, the last one of each role, and of the cluster."""
    RECORDED.mkdir(exist_ok=True)
    for machine in machines:
        with HostConnection(machine.name, machine.login).open() as session:
            printed = session.run("cis_facts", OPERATIONS["cis_facts"], {})
        (RECORDED / f"{machine.role}.txt").write_text(printed)
    paths = {**cis_objects.LISTS, "pods": cis_objects.PODS}
    lists = {name: [_reduced(each) for each in client.pages(path)] for name, path in paths.items()}
    # What Kubernetes has bound to its own roles is no finding.
    lists["cluster_roles"] = [role for role in lists["cluster_roles"] if not is_built_in(role)]
    (RECORDED / OBJECTS).write_text(f"{json.dumps(lists, indent=1, sort_keys=True)}\n")


def _reduced(entry: dict[str, Any]) -> dict[str, Any]:
    kept = _only(entry, KEPT)
    kept["metadata"] = _only(entry["metadata"], KEPT_METADATA)
    if "containers" in entry.get("spec", {}):
        kept["spec"] = _only(entry["spec"], KEPT_SPEC)
        for name in {"containers", "initContainers"} & kept["spec"].keys():
            kept["spec"][name] = [_only(each, KEPT_CONTAINER) for each in kept["spec"][name]]
    return kept


def _only(mapping: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: mapping[key] for key in keys if key in mapping}


def main(stack: str, cluster: str) -> None:
    """Record a cluster of a stack."""
    (file,) = (each for each in access.cluster_kubeconfigs(stack) if each.name == cluster)
    machines = engine_run.inventory(stack).of_clusters([cluster])
    record(machines, Client(file.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(*sys.argv[1:])
