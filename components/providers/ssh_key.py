"""The key pair with which the program logs in to the machines that it creates.

Create generates an ed25519 pair; the private half is secret in state. There is no update: a key is
replaced by replacing the resource. Delete drops it from the state.
"""

from dataclasses import dataclass
from typing import TypedDict

import pulumi

from components.providers.base import ProvidedResource, Provider
from model.ssh_keys import new_key_pair, shortest


class SshKeyInputs(TypedDict):
    """The key pair as the provider gets it."""

    comment: str


class SshKeyState(SshKeyInputs):
    """The key pair as it was generated."""

    public_key: str
    private_key: str


class SshKeyProvider(Provider[SshKeyInputs, SshKeyState]):
    """Generates SSH key pairs."""

    def _create(self, inputs: SshKeyInputs) -> SshKeyState:
        """Generate an ed25519 key pair."""
        pair = new_key_pair(inputs["comment"])
        return {**inputs, "private_key": shortest(pair.private_openssh), "public_key": pair.public}


@dataclass(frozen=True)
class SshKeyArgs:
    """A key pair; the `comment` is part of the public key."""

    comment: str


class SshKey(ProvidedResource, module="kubeadm-fleet", name="SshKey"):
    """An ed25519 key pair: `public_key` (one line), `private_key` (PKCS #8, secret)."""

    public_key: pulumi.Output[str]
    private_key: pulumi.Output[str]

    def __init__(
        self, name: str, args: SshKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(
            additional_secret_outputs=["private_key"], ignore_changes=["comment"]
        )
        super().__init__(SshKeyProvider(), name, args, pulumi.ResourceOptions.merge(opts, options))
