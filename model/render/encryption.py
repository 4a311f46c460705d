"""The API servers' EncryptionConfiguration: what encrypts Secrets in etcd.

The first provider writes; each of them reads what it wrote. All API servers of a cluster have the
same key from the start, also where Secrets are not encrypted: whichever of them writes while a
change of the first provider goes from one to the next, each can read it.
https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

from collections.abc import Sequence
from typing import Any

import yaml

from model.encryption_keys import EncryptionKeyProps
from model.security import KMS, NONE, SECRETBOX, SecretsEncryption

Provider = dict[str, Any]


def configuration(encryption: SecretsEncryption, keys: Sequence[EncryptionKeyProps]) -> str:
    """Return the document; the first key writes."""
    known: dict[str, Provider] = {
        SECRETBOX: {
            "secretbox": {"keys": [{"name": key["name"], "secret": key["secret"]} for key in keys]}
        },
        NONE: {"identity": {}},
    }
    if plugin := encryption.kms:
        known[KMS] = {
            "kms": {
                "apiVersion": "v2",
                "name": plugin.name,
                "endpoint": plugin.endpoint,
                "timeout": f"{plugin.seconds}s",
            }
        }
    first = known.pop(encryption.provider)
    # What is not encrypted is tried last.
    others = [known[name] for name in (SECRETBOX, KMS, NONE) if name in known]
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": [first, *others]}],
        },
        sort_keys=False,
    )


def writer(encryption: SecretsEncryption, keys: Sequence[EncryptionKeyProps]) -> str:
    """Return what encrypts Secrets from now on, as the cluster records it: no secret."""
    if encryption.provider == SECRETBOX:
        return f"{SECRETBOX} {keys[0]['name']}"
    if encryption.provider == KMS:
        assert encryption.kms, "the rules require it"
        return f"{KMS} {encryption.kms.name}"
    return NONE
