"""Writing every Secret again, so that all of them are encrypted in etcd by what encrypts them now.

An API server writes an object that is not changed if, and only if, another provider or key wrote
it. The content of Secrets is not read.
https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

from model.api_objects import Json
from ops.kube.apply import FIELD_MANAGER
from ops.kube.client import APPLY, MERGE, METADATA, Client, unless_missing

# What the record has, besides, until nothing else than the last writer is left.
SEPARATOR = ", "
UNKNOWN = "unknown"
NAME = "kubeadm-fleet-encryption"
RECORD = f"/api/v1/namespaces/kube-system/configmaps/{NAME}"


def writer(client: Client) -> str:
    """Return what has written all Secrets, as it is recorded; "" if that is unknown.

    During a change, several have written them, the newest last.
    """
    found = client.find(RECORD)
    return str((found or {}).get("data", {}).get("writer", ""))


def begin(client: Client, by: str) -> None:
    """Record that `by` begins to write Secrets, too: from now on it is not the former alone."""
    known = client.retry("reading what encrypts Secrets", lambda: writer(client)) or UNKNOWN
    if by not in known.split(SEPARATOR):
        _record(client, SEPARATOR.join((known, by)))


def rewrite(client: Client, by: str) -> int:
    """Write every Secret again, and record that `by` wrote them; return their number.

    Every API server must encrypt with `by` already: what is created meanwhile is not written again.
    """
    secrets = client.retry(
        "listing Secrets", lambda: [*client.pages("/api/v1/secrets", accept=METADATA)]
    )
    for secret in secrets:
        _write(client, secret["metadata"])
    _record(client, by)
    return len(secrets)


def _record(client: Client, writers: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": "kube-system"},
        "data": {"writer": writers},
    }
    query = {"fieldManager": FIELD_MANAGER, "force": "true"}
    client.retry(
        "recording what encrypts Secrets",
        lambda: client.patch(RECORD, body, kind=APPLY, **query),
    )


def _write(client: Client, metadata: Json) -> None:
    """Write one Secret again; one that is gone needs it no longer."""
    namespace, name = metadata["namespace"], metadata["name"]
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    client.retry(
        f"writing the Secret {namespace}/{name} again",
        lambda: unless_missing(lambda: client.patch(path, {}, kind=MERGE)),
    )
