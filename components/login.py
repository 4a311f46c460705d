"""How to get into a machine, in the forms that its steps and the cluster's rollout take."""

from dataclasses import asdict, dataclass
from typing import Any

import pulumi
from pulumi_command import remote

from model.fleet import Bastion

DIAL_ERROR_LIMIT = 10


@dataclass(frozen=True)
class Login:
    """`private_key` None asks the SSH agent, `host_key` None accepts any; `sudo` becomes root.

    `sudo_password` is None where sudo asks none.
    """

    host: str
    port: int
    user: str
    sudo: bool
    sudo_password: pulumi.Output[str] | None
    private_key: pulumi.Output[str] | None
    host_key: pulumi.Input[str] | None
    bastion: Bastion | None = None

    def connection(self) -> remote.ConnectionArgs:
        """As a step of its own takes it."""
        return remote.ConnectionArgs(
            host=self.host,
            port=self.port,
            user=self.user,
            private_key=self.private_key,
            host_key=self.host_key,
            dial_error_limit=DIAL_ERROR_LIMIT,
            proxy=_proxy(self.bastion, self.private_key) if self.bastion else None,
        )

    def properties(self) -> dict[str, Any]:
        """As a resource takes it that logs in by itself; secret."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "sudo": self.sudo,
            "sudo_password": self.sudo_password,
            "private_key": self.private_key,
            "host_key": self.host_key,
            "bastion": asdict(self.bastion) if self.bastion else None,
        }


def _proxy(bastion: Bastion, private_key: pulumi.Output[str] | None) -> remote.ProxyConnectionArgs:
    return remote.ProxyConnectionArgs(
        host=bastion.host,
        port=bastion.port,
        user=bastion.user,
        private_key=private_key,
        host_key=bastion.host_key,
        dial_error_limit=DIAL_ERROR_LIMIT,
    )
