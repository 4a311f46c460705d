"""Fields of the kubelet that it records on its machine, and cannot change while it has the record.

With the policy `static`, its CPU and memory managers write into /var/lib/kubelet/cpu_manager_state
and memory_manager_state which container has what. At its start the kubelet compares these with its
configuration, and refuses another policy, other reserved CPUs and other reserved memory: "please
drain this node and delete the CPU manager checkpoint file". So the Node is drained, and the file
removed while the kubelet is stopped (scripts/node/checkpoints.sh).

The topology manager records nothing: its policy, scope and options take effect for later pods.
https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/#changing-the-cpu-manager-policy
In Kubernetes' source: validateState in pkg/kubelet/cm/{cpumanager,memorymanager}/policy_static.go.
"""

import hashlib
import json
from typing import Any

import yaml

STATIC = "static"
# By the file with the record: the field with the policy, and the others that are recorded with it.
RECORDED = {
    "cpu_manager_state": (
        "cpuManagerPolicy",
        "cpuManagerPolicyOptions",
        "reservedSystemCPUs",
        "kubeReserved",
        "systemReserved",
    ),
    "memory_manager_state": (
        "memoryManagerPolicy",
        "reservedMemory",
        "kubeReserved",
        "systemReserved",
        "evictionHard",
    ),
}
# The same for the operations that apply a kubelet's settings: a line for each file.
SETTING = "\n".join(" ".join((file, *fields)) for file, fields in RECORDED.items())
DIGITS = 16


def digest(kubelet_document: str) -> str:
    """Return a digest of what a kubelet with this configuration records; "" if nothing."""
    recorded = _recorded(yaml.safe_load(kubelet_document) or {})
    text = json.dumps(recorded, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS] if recorded else ""


def _recorded(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        file: {field: document.get(field) for field in (policy, *fields)}
        for file, (policy, *fields) in RECORDED.items()
        if str(document.get(policy, "")).lower() == STATIC
    }
