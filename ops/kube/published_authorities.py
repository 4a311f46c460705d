"""The CAs whose client certificates aggregated API servers accept, as API servers publish them.

API servers only ever add theirs to the published ones.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from ops.kube.client import MERGE, Client

PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
KEY = "client-ca-file"


def read(client: Client) -> str:
    """Return the published certificates; raises ApiError."""
    return str(client.get(PATH)["data"].get(KEY, ""))


def replace(client: Client, text: str) -> None:
    """Publish these certificates instead."""
    client.retry(
        "publishing the CAs of clients",
        lambda: client.patch(PATH, {"data": {KEY: text}}, kind=MERGE),
    )
