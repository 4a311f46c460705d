"""The CAs that aggregated API servers trust, as API servers publish them.

API servers only ever add theirs to the published ones.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import time
from collections.abc import Mapping

from model.pki import client_authorities
from ops.errors import OperatorError
from ops.kube.client import MERGE, Client
from ops.wait import NotYet, wait_until

PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
# The CAs of clients, and the CA of the requests that API servers pass on.
KEY = "client-ca-file"
FRONT_PROXY_KEY = "requestheader-client-ca-file"
FOLDER = "/etc/kubernetes/pki"
# How long no API server must add one, and how long each may need to read its files, and more.
UNDISTURBED_SECONDS, READ_AGAIN_SECONDS = 3, 120


def read(client: Client) -> Mapping[str, str]:
    """Return the published certificates by key; raises ApiError."""
    found: Mapping[str, str] = client.get(PATH)["data"]
    return found


def replace(client: Client, texts: Mapping[str, str]) -> None:
    """Publish these certificates instead, by key, until no API server adds another one again.

    An API server publishes what it knows as soon as it sees the change, and may not have read its
    own files again.
    """
    wanted = {key: client_authorities.digest_of_set(text) for key, text in texts.items()}
    published = publish(client, texts)

    def check() -> None:
        nonlocal published
        found = client.retry("reading the published CAs", lambda: read(client))
        if any(
            client_authorities.digest_of_set(found.get(key, "")) != digest
            for key, digest in wanted.items()
        ):
            published = publish(client, texts)
        if time.monotonic() - published < UNDISTURBED_SECONDS:
            raise NotYet("an API server published other CAs again")

    stops = "API servers may publish CAs again that are not trusted; `fleet up` removes them"
    wait_until(check, READ_AGAIN_SECONDS, _disturbed, stops=stops)


def publish(client: Client, texts: Mapping[str, str]) -> float:
    """Publish these certificates once; return the time."""
    client.retry(
        "publishing the CAs of clients",
        lambda: client.patch(PATH, {"data": dict(texts)}, kind=MERGE),
    )
    return time.monotonic()


def _disturbed(status: str) -> OperatorError:
    return OperatorError(
        f"{status}: see whether {FOLDER} is the same on each control plane, then run "
        "`fleet refresh` and `fleet up`"
    )
