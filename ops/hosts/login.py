"""How to log in to a host and become root there: one type from the config to the socket.

A new field is added to the config (`Ssh`, ExistingSettings) and here; components/login.py fills in
what only the engine knows, and ops/hosts/ssh.py uses it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from model.fleet import Bastion, ExistingSettings


@dataclass(frozen=True)
class Login:
    """`private_key` None asks the SSH agent, `host_key` None accepts any; `sudo` becomes root.

    `sudo_password` is None where sudo asks none. A bastion lets in whoever has the private key.
    """

    host: str
    port: int
    user: str
    host_key: str | None = None
    private_key: str | None = field(default=None, repr=False)
    sudo: bool = False
    sudo_password: str | None = field(default=None, repr=False)
    bastion: Bastion | None = None

    def __str__(self) -> str:
        bastion = self.bastion
        through = f" through {bastion.user}@{bastion.host}:{bastion.port}" if bastion else ""
        return f"{self.user}@{self.host}:{self.port}{through}"

    @property
    def bastion_login(self) -> "Login | None":
        """How to log in to the bastion, if there is one."""
        if (bastion := self.bastion) is None:
            return None
        return Login(bastion.host, bastion.port, bastion.user, bastion.host_key, self.private_key)

    @property
    def is_pinned(self) -> bool:
        """Whether the host and its bastion must show a key that is known."""
        return None not in (self.host_key, self.bastion.host_key if self.bastion else "")

    @classmethod
    def from_settings(cls, settings: ExistingSettings) -> "Login":
        """Return what the config says itself; the secrets that it names are not in it."""
        return cls(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            host_key=settings.host_key,
            sudo=settings.sudo,
            bastion=settings.bastion,
        )

    @classmethod
    def from_props(cls, props: Mapping[str, Any]) -> "Login":
        """Return the login that `to_props` made these of."""
        given = {**props, "port": int(props["port"])}
        if bastion := props.get("bastion"):
            port = int(bastion["port"])
            given["bastion"] = Bastion(**{"host_key": None, **bastion, "port": port})
        return cls(**given)

    def to_props(self) -> dict[str, Any]:
        """Return it as inputs and outputs hold it: plain data, without what is None."""
        return _without_none(asdict(self))


# What is never shown.
SECRET_FIELDS = tuple(each.name for each in fields(Login) if not each.repr)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
