"""What a cluster's etcd and its audit log have, read where they are."""

import base64
import json
from typing import Any

from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines

SECRETS = "/registry/secrets/"
PKI = "/etc/kubernetes/pki/etcd"
ETCDCTL = (
    *("etcdctl", "--endpoints", "https://127.0.0.1:2379", "--cacert", f"{PKI}/ca.crt"),
    *("--cert", f"{PKI}/server.pem", "--key", f"{PKI}/server.pem"),
)
LOG = "/var/log/kubernetes/audit"


def secrets(cluster: Kubectl, machine: str) -> dict[str, bytes]:
    """Return every Secret by namespace/name, as etcd on the control plane has it."""
    pod = ("--namespace", "kube-system", "exec", f"etcd-{machine}", "--")
    text = cluster(*pod, *ETCDCTL, "get", "--prefix", SECRETS, "--write-out", "json")
    return {
        base64.b64decode(entry["key"]).decode().removeprefix(SECRETS): base64.b64decode(
            entry["value"]
        )
        for entry in json.loads(text).get("kvs", ())
    }


def audit_events(machines: Machines, machine: str, containing: str = "") -> list[dict[str, Any]]:
    """Return the events of a control plane's audit log, in which a text is."""
    found = f"grep --no-filename --fixed-strings '{containing}' {LOG}/audit*.log || true"
    return [json.loads(line) for line in machines.run(machine, found).splitlines()]


def audit_bytes(machines: Machines, machine: str) -> int:
    """Return the size of a control plane's audit log."""
    size = int(machines.run(machine, f"cat {LOG}/audit*.log | wc --bytes"))
    assert size, f"{machine} has no audit log"
    return size
