"""The files of a cluster's API servers that nobody else may read.

They are what encrypts Secrets in etcd, and the login for a server that gets audit events. They
reach control planes like the keys of CAs: when these join, and by the rollout.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.pki import Pki
from model import api_server_secrets
from model.fleet import Cluster
from model.render import encryption
from model.render.security_flags import AUDIT_WEBHOOK, ENCRYPTION
from ops.rollout.inputs import EncryptionInputs


@dataclass(frozen=True)
class ApiServerSecrets:
    """Their `table` (secret) and its `digest`; `writer` is what encrypts Secrets, with the key.

    `keys` is a number that changes with the keys, and that a preview of their rotation knows.
    """

    table: pulumi.Output[str]
    digest: pulumi.Output[str]
    writer: pulumi.Output[str]
    encryption: EncryptionInputs
    keys: pulumi.Output[float]


def secrets_of(
    cluster: Cluster, pki: Pki, config: Mapping[str, pulumi.Output[str]]
) -> ApiServerSecrets:
    """Return the files; `config` are the config's secrets by name."""
    security, keys = cluster.security, pki.encryption.keys
    texts = {
        ENCRYPTION: keys.apply(lambda known: encryption.configuration(security.encryption, known))
    }
    if webhook := security.audit.webhook:
        texts[AUDIT_WEBHOOK] = config[webhook.kubeconfig]
    table: pulumi.Output[str] = pulumi.Output.secret(
        pulumi.Output.all(**texts).apply(api_server_secrets.table)
    )
    plugin = security.encryption.kms
    return ApiServerSecrets(
        table=table,
        digest=pulumi.Output.unsecret(table.apply(api_server_secrets.digest)),
        writer=pulumi.Output.unsecret(
            keys.apply(lambda known: encryption.writer(security.encryption, known))
        ),
        encryption={
            "provider": security.encryption.provider,
            "plugin": plugin.name if plugin else "",
        },
        keys=pki.encryption.number,
    )
