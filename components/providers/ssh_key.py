"""The key pair with which the program logs in to the machines that it creates.

Create generates an ed25519 pair; the private half is secret in state. There is no update: a key is
replaced by replacing the resource. Delete drops it from the state.
"""

from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, Resource

from components.providers.base import Provider
from model.ssh_keys import new_key_pair


class SshKeyProvider(Provider):
    """Generates SSH key pairs."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Generate an ed25519 key pair."""
        pair = new_key_pair(props["comment"])
        outs = {**props, "private_key": pair.private_openssh, "public_key": pair.public}
        return CreateResult(id_=uuid4().hex, outs=outs)


class SshKey(Resource, module="kubeadm-fleet", name="SshKey"):
    """An ed25519 key pair: `public_key` (one line), `private_key` (OpenSSH format, secret)."""

    public_key: pulumi.Output[str]
    private_key: pulumi.Output[str]

    def __init__(
        self, name: str, *, comment: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            SshKeyProvider(),
            name,
            {"comment": comment, "public_key": None, "private_key": None},
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    additional_secret_outputs=["private_key"], ignore_changes=["comment"]
                ),
            ),
        )
