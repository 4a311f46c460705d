"""The containers of a cluster, to see which ones a change restarts."""

from collections.abc import Mapping

from tests.e2e.kubectl import Kubectl

Containers = Mapping[str, str]


def running(kubectl: Kubectl) -> Containers:
    """Return the ID of each container, by its pod and name; "" while it does not run.

    Pods that are being deleted are left out: that they end is no restart.
    """
    return {
        f"{pod['metadata']['name']}/{status['name']}": status.get("containerID", "")
        for pod in kubectl.items("get", "pods", "--all-namespaces")
        if "deletionTimestamp" not in pod["metadata"]
        for status in pod["status"].get("containerStatuses", ())
    }


def changed(before: Containers, after: Containers) -> list[str]:
    """Return the containers that were restarted or replaced, by the pods' names before."""
    return sorted(name for name, its in before.items() if after.get(name) != its)
