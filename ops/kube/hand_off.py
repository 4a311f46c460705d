"""A cluster's registration in a tool: its token from the cluster, its Secret where the tool runs.

The Secret's content is in no state. What is known of it is a digest: a token cannot be guessed.
https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

import hashlib
import json
from dataclasses import dataclass, field

from model.api_objects import Json
from model.hand_off import Registered, secret_name
from model.render import hand_off
from model.render.objects import dump
from model.well_known import MANAGED_BY
from ops.errors import OperatorError
from ops.kube import apply
from ops.kube.client import Client


@dataclass(frozen=True)
class Token:
    """A token of a service account; `expires` as the API says it (RFC 3339)."""

    text: str = field(repr=False)
    expires: str


def request_token(client: Client, namespace: str, account: str, seconds: float) -> Token:
    """Return a new token; its lifetime is the API server's choice if it limits them."""
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": int(seconds)},
    }
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    answer = client.retry(f"requesting a token of {account}", lambda: client.create(path, body))
    return Token(answer["status"]["token"], answer["status"]["expirationTimestamp"])


def write(client: Client, registered: Registered, token: Token) -> str:
    """Write the Secret, in a namespace that is created if it is missing; return its digest.

    A Secret of somebody else is left alone: raises OperatorError.
    """
    found = client.retry(
        "reading the Secret of the cluster", lambda: client.find(_path(registered))
    )
    if found is not None and not _is_own(found):
        raise OperatorError(
            f"the Secret {title(registered)} at {client.access.server} is not this program's: "
            f"{registered['cluster']} was not registered in {registered['tool']}. Delete it, or "
            f"set handOff.{registered['tool']}.namespace to another namespace"
        )
    namespaces = f"/api/v1/namespaces/{registered['namespace']}"
    if client.retry("reading the tool's namespace", lambda: client.find(namespaces)) is None:
        apply.apply(client, hand_off.namespace(registered), mark=False)
    secret = hand_off.secret(registered, token.text)
    apply.apply(client, dump([secret]), mark=False)
    return _digest(secret)


def is_written(client: Client, registered: Registered, digest: str) -> bool:
    """Whether the Secret is as it was written, what others added apart. Raises ApiError."""
    found = client.find(_path(registered))
    if found is None:
        return False
    metadata = found["metadata"]
    wanted = hand_off.secret(registered, "")["metadata"]
    return _digest(found) == digest and all(
        (metadata.get(kind) or {}).get(key) == value
        for kind in ("labels", "annotations")
        for key, value in wanted.get(kind, {}).items()
    )


def remove(client: Client, registered: Registered) -> None:
    """Delete the Secret, unless it is somebody else's. Raises ApiError."""
    found = client.find(_path(registered))
    if found is not None and _is_own(found):
        client.delete(_path(registered))


def how_to_remove(client: Client, registered: Registered) -> str:
    """Return the command that deletes the Secret."""
    name = secret_name(registered["tool"], registered["cluster"])
    return (
        f"kubectl --context {client.access.context} --namespace {registered['namespace']} delete "
        f"secret {name}"
    )


def _path(registered: Registered) -> str:
    name = secret_name(registered["tool"], registered["cluster"])
    return f"/api/v1/namespaces/{registered['namespace']}/secrets/{name}"


def title(registered: Registered) -> str:
    """Return the Secret's namespace and name."""
    return f"{registered['namespace']}/{secret_name(registered['tool'], registered['cluster'])}"


def _is_own(found: Json) -> bool:
    labels = found["metadata"].get("labels") or {}
    return MANAGED_BY.items() <= labels.items()


def _digest(secret: Json) -> str:
    return hashlib.sha256(json.dumps(secret.get("data"), sort_keys=True).encode()).hexdigest()
