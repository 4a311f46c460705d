"""The keys that encrypt a cluster's Secrets in etcd, in the stack's state.

Create generates a key, which is secret in state and nowhere else in it. An update takes the keys to
another phase of a rotation (model/encryption_keys.py): whatever the phase, what a former key
encrypted, also in snapshots, can be read while it is kept. Delete drops all with the cluster.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers import phases
from components.providers.base import ProvidedResource, Provider, require_present
from model import encryption_keys
from model.encryption_keys import EncryptionKeyProps


class EncryptionKeysInputs(TypedDict):
    """The phase of the rotation; `resource` is its name.

    `check` adds since when each former key is out of use (`former`, the last one first), and
    `number`, which changes with the list of keys: of a resource that is to be updated, a preview
    knows the inputs alone.
    """

    cluster: str
    resource: str
    phase: str
    former: list[str]
    number: float


class EncryptionKeysState(EncryptionKeysInputs):
    """The keys: the first one writes, the others only read."""

    keys: list[EncryptionKeyProps]


class EncryptionKeysProvider(Provider[EncryptionKeysInputs, EncryptionKeysState]):
    """Generates the keys, and their successors."""

    def _check(
        self, olds: EncryptionKeysInputs, news: EncryptionKeysInputs
    ) -> EncryptionKeysInputs:
        """Reject a rotation of what does not exist yet; say which former keys are kept."""
        becomes = news["phase"]
        phases.reject_new(olds, becomes, news["resource"])
        if not olds:
            return {**news, "former": [], "number": 1}
        was, former = olds["phase"], olds["former"]
        since = encryption_keys.former_since(former, was, becomes, datetime.now(UTC))
        changes = encryption_keys.is_changed(former, since, was, becomes)
        return {**news, "former": since, "number": olds["number"] + changes}

    def _create(self, inputs: EncryptionKeysInputs) -> EncryptionKeysState:
        """Generate the first key."""
        return {**inputs, "keys": [encryption_keys.generate()]}

    def _diff(self, olds: EncryptionKeysState, news: EncryptionKeysInputs) -> DiffResult:
        """Compare the phases; reject one that cannot follow."""
        require_present(news, ("resource", "phase"))
        return DiffResult(changes=phases.moves(olds["phase"], news["phase"], news["resource"]))

    def _update(self, olds: EncryptionKeysState, news: EncryptionKeysInputs) -> EncryptionKeysState:
        """Take the keys to another phase of their rotation."""
        keys = encryption_keys.rotated(
            olds["keys"], len(news["former"]), olds["phase"], news["phase"]
        )
        return {**news, "keys": keys}


@dataclass(frozen=True)
class EncryptionKeysArgs:
    """The cluster's name, and the phase of the rotation of its keys."""

    cluster: str
    phase: str = ""


class EncryptionKeys(ProvidedResource, module="kubeadm-fleet", name="EncryptionKeys"):
    """A cluster's `keys`, a secret; the first one writes. `number` changes with them."""

    keys: pulumi.Output[list[EncryptionKeyProps]]
    number: pulumi.Output[float]

    def __init__(
        self, name: str, args: EncryptionKeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=["keys"])
        super().__init__(
            EncryptionKeysProvider(),
            name,
            args,
            pulumi.ResourceOptions.merge(opts, options),
            resource=name,
        )
