"""Tokens of service accounts in Secrets: they never expire, unlike those of pods.

https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
"""

import base64

from model.pki import account_tokens
from ops.kube import pod
from ops.kube.client import Client

TYPE = "kubernetes.io/service-account-token"


def of_other_keys(client: Client, key_id: str) -> list[str]:
    """Return the Secrets, as namespace/name, with tokens that another key signed."""
    return [
        pod.title(found)
        for found in client.pages("/api/v1/secrets", fieldSelector=f"type={TYPE}")
        if (token := (found.get("data") or {}).get("token"))
        and account_tokens.signer(base64.b64decode(token).decode()) != key_id
    ]
