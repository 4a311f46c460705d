"""The CAs that aggregated API servers trust, as API servers publish them.

API servers only ever add theirs to the published ones.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from collections.abc import Mapping

from ops.kube.client import MERGE, Client

PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
# The CAs of clients, and the CA of the requests that API servers pass on.
KEY = "client-ca-file"
FRONT_PROXY_KEY = "requestheader-client-ca-file"


def read(client: Client) -> Mapping[str, str]:
    """Return the published certificates by key; raises ApiError."""
    found: Mapping[str, str] = client.get(PATH)["data"]
    return found


def replace(client: Client, texts: Mapping[str, str]) -> None:
    """Publish these certificates instead, by key."""
    client.retry(
        "publishing the CAs of clients",
        lambda: client.patch(PATH, {"data": dict(texts)}, kind=MERGE),
    )
