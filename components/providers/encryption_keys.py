"""The keys that encrypt a cluster's Secrets in etcd, in the stack's state.

Create generates a key, which is secret in state and nowhere else in it. Nothing changes it: what it
encrypted, also in snapshots, can be read with it alone. Delete drops it with the cluster.
"""

from dataclasses import dataclass
from typing import TypedDict

import pulumi

from components.providers.base import ProvidedResource, Provider
from model import encryption_keys
from model.encryption_keys import EncryptionKeyProps


class EncryptionKeysInputs(TypedDict):
    """The cluster whose Secrets they encrypt."""

    cluster: str


class EncryptionKeysState(EncryptionKeysInputs):
    """The keys: the first one writes, the others only read."""

    keys: list[EncryptionKeyProps]


class EncryptionKeysProvider(Provider[EncryptionKeysInputs, EncryptionKeysState]):
    """Generates the keys; nothing replaces them."""

    def _create(self, inputs: EncryptionKeysInputs) -> EncryptionKeysState:
        """Generate the first key."""
        return {**inputs, "keys": [encryption_keys.generate()]}


@dataclass(frozen=True)
class EncryptionKeysArgs:
    """The cluster's name."""

    cluster: str


class EncryptionKeys(ProvidedResource, module="kubeadm-fleet", name="EncryptionKeys"):
    """A cluster's `keys`, a secret; the first one writes."""

    keys: pulumi.Output[list[EncryptionKeyProps]]

    def __init__(
        self, name: str, args: EncryptionKeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=["keys"])
        super().__init__(
            EncryptionKeysProvider(), name, args, pulumi.ResourceOptions.merge(opts, options)
        )
