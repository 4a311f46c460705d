"""How existing hosts are reached: user, keys, sudo and bastion."""

from typing import Annotated

from pydantic import Field

from model import ssh_keys
from model.config.addresses import HostName, Port
from model.config.field import Flag, ScalarField
from model.config.secret_name import SecretName
from model.config.strict import Atomic, NullOverrides, Strict

ANY_HOST_KEY = "insecure-accept-any"
EXAMPLE_HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN3PyLSbt82YNsctkVNNIgmV3nqjCR+uywpVjv0dK/dL"
)


def _host_key(text: str) -> str:
    if text != ANY_HOST_KEY:
        ssh_keys.parse_host_key(text)
    return text


HostKey = Annotated[
    str,
    ScalarField(
        "an OpenSSH public key",
        "the host's public ed25519 or ecdsa key, as `fleet hosts scan HOST` "
        f"prints it; or {ANY_HOST_KEY}, which accepts any host key",
        EXAMPLE_HOST_KEY,
        check=_host_key,
    ),
]
User = Annotated[
    str,
    ScalarField(
        "a user name", "the name of a user on the host", "ubuntu", pattern=r"[A-Za-z_][-\w.]{0,31}"
    ),
]


class Bastion(Atomic):
    """The SSH jump host for the machines."""

    host: HostName = Field(description="The bastion's SSH address.")
    port: Port = Field(22, description="The bastion's SSH port.")
    user: User = Field(description="The SSH user on the bastion.")
    host_key: HostKey = Field(description="The bastion's SSH host key (public).")


class Ssh(Strict):
    """How to log in to existing hosts."""

    user: User = Field("root", description="The SSH user.")
    port: Port = Field(22, description="The default SSH port of hosts.")
    sudo: Flag = Field(False, description="Become root with sudo.")
    sudo_password: Annotated[SecretName | None, NullOverrides()] = Field(
        None,
        description="The name of the stack's secret config value with the sudo password; if unset "
        "or null, sudo must not ask for one.",
        examples=["sudoPassword"],
    )
    private_key: SecretName = Field(
        "sshPrivateKey",
        description="The name of the stack's secret config value with the SSH private key.",
    )
    agent: Flag = Field(False, description="Use the SSH agent instead of a private key.")
    bastion: Annotated[Bastion | None, NullOverrides()] = Field(
        None, description="The SSH jump host; null: none, although the fleet has one."
    )
