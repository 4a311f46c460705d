"""A machine's login at run time: parts of it are known only once its resources exist."""

from collections.abc import Mapping
from typing import cast

import pulumi

from model.ssh_keys import shortest
from ops.hosts.login import SECRET_FIELDS, Login, LoginProps


def shared_login(logins: Mapping[str, LoginProps]) -> LoginProps:
    """Return what these logins have in common, which a resource of them all holds once."""
    first, *others = logins.values()
    return cast(
        LoginProps,
        {
            key: value
            for key, value in first.items()
            if all(other.get(key) == value for other in others)
        },
    )


def own_logins(logins: Mapping[str, LoginProps]) -> dict[str, LoginProps]:
    """Return the rest of each login."""
    shared = shared_login(logins)
    return {
        name: cast(LoginProps, {key: value for key, value in login.items() if key not in shared})
        for name, login in logins.items()
    }


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
