"""A machine's login at run time: parts of it are known only once its resources exist."""

from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi_command import remote

from model.fleet import Bastion
from model.ssh_keys import shortest
from ops.hosts.login import SECRET_FIELDS, Login, LoginProps

DIAL_ERROR_LIMIT = 10


class MachineLogin:
    """A `Login` whose fields in `later` are outputs: config secrets and generated values."""

    def __init__(self, login: Login, later: Mapping[str, pulumi.Output[str]]) -> None:
        self._login = login
        self._later = {
            name: pulumi.Output.secret(value) if name in SECRET_FIELDS else value
            for name, value in later.items()
        }
        if "private_key" in later:
            self._later["private_key"] = self._later["private_key"].apply(shortest)

    @property
    def sudo(self) -> bool:
        """Whether becoming root takes sudo."""
        return self._login.sudo

    @property
    def sudo_password(self) -> pulumi.Output[str] | None:
        """The password for sudo, if sudo needs one."""
        return self._later.get("sudo_password")

    @property
    def host_key_check(self) -> str:
        """Return "pinned", or "off" if any key of the host or of its bastion is trusted."""
        return "pinned" if "host_key" in self._later or self._login.is_pinned else "off"

    def to_props(self) -> dict[str, object]:
        """Return `Login.to_props` as resource inputs, with secrets marked."""
        return {**self._login.to_props(), **self._later}

    @property
    def resolved(self) -> pulumi.Output[LoginProps]:
        """The inputs of `to_props` as one output."""
        return cast(pulumi.Output[LoginProps], pulumi.Output.from_input(self.to_props()))

    def connection(self) -> remote.ConnectionArgs:
        """Return the login as the connection of a node step."""
        bastion, private_key = self._login.bastion, self._later.get("private_key")
        return remote.ConnectionArgs(
            host=self._login.host,
            port=self._login.port,
            user=self._login.user,
            private_key=private_key,
            host_key=self._later.get("host_key", self._login.host_key),
            dial_error_limit=DIAL_ERROR_LIMIT,
            proxy=_proxy(bastion, private_key) if bastion else None,
        )


def _proxy(bastion: Bastion, private_key: pulumi.Output[str] | None) -> remote.ProxyConnectionArgs:
    return remote.ProxyConnectionArgs(
        host=bastion.host,
        port=bastion.port,
        user=bastion.user,
        private_key=private_key,
        host_key=bastion.host_key,
        dial_error_limit=DIAL_ERROR_LIMIT,
    )
