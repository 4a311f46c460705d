"""How to log in to a host and become root there: one type from the config to the socket.

A new field is added to the config (`Ssh`, ExistingSettings) and here; components/login.py fills in
what only the engine knows, and ops/hosts/ssh.py uses it.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, NotRequired, TypedDict, cast

from model.machine import Bastion, ExistingSettings


class BastionProps(TypedDict):
    """A bastion as inputs and outputs hold it."""

    host: str
    port: float
    user: str
    host_key: NotRequired[str]


class LoginProps(TypedDict):
    """A login as inputs and outputs hold it: without what is None, numbers perhaps as floats."""

    host: str
    port: float
    user: str
    sudo: bool
    host_key: NotRequired[str]
    private_key: NotRequired[str]
    sudo_password: NotRequired[str]
    bastion: NotRequired[BastionProps]


@dataclass(frozen=True)
class Login:
    """`private_key` None asks the SSH agent, `host_key` None accepts any; `sudo` becomes root.

    `sudo_password` is None where sudo asks none. A bastion accepts the private key.
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
    def from_props(cls, props: LoginProps) -> "Login":
        """Return the login that `to_props` made these of."""
        return cls(
            host=props["host"],
            port=int(props["port"]),
            user=props["user"],
            host_key=props.get("host_key"),
            private_key=props.get("private_key"),
            sudo=props.get("sudo", False),
            sudo_password=props.get("sudo_password"),
            bastion=_bastion(props.get("bastion")),
        )

    def to_props(self) -> LoginProps:
        """Return it as inputs and outputs hold it."""
        return cast(LoginProps, _without_none(asdict(self)))


# What is never shown.
SECRET_FIELDS = tuple(field.name for field in fields(Login) if not field.repr)


def _bastion(props: BastionProps | None) -> Bastion | None:
    if props is None:
        return None
    return Bastion(props["host"], int(props["port"]), props["user"], props.get("host_key"))


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
