"""Encryption of Secrets in etcd: what encrypts them."""

from typing import Annotated

from pydantic import Field

from model.config.durations import duration
from model.config.field import ScalarField, one_of
from model.config.strict import Atomic, Strict
from model.security import NONE, PROVIDERS, SECRETBOX

LONGEST_TIMEOUT = 60


def _timeout(seconds: int) -> None:
    if not 1 <= seconds <= LONGEST_TIMEOUT:
        raise ValueError(f"out of range 1s to {LONGEST_TIMEOUT}s")


ProviderName = Annotated[str, one_of("provider of encryption", PROVIDERS, SECRETBOX)]
PluginName = Annotated[
    str,
    ScalarField(
        "the name of a KMS plugin",
        "lower-case letters, digits and dashes",
        "vault",
        # API servers reject colons; the name is a part of every stored value.
        pattern=r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    ),
]
PluginEndpoint = Annotated[
    str,
    ScalarField(
        "the address of a Unix socket",
        "unix:/// and the path of a socket in a directory of control planes",
        "unix:///var/run/kms/kms.sock",
        pattern=r"unix:///[A-Za-z0-9._/-]+",
    ),
]
PluginTimeout = Annotated[int | str, duration(f"from 1 s to {LONGEST_TIMEOUT} s", "3s", _timeout)]


class Kms(Atomic):
    """A plugin of the API (KMS v2), which runs on every control plane beside its API server."""

    name: PluginName = Field(description="Its name; each stored Secret has it.")
    endpoint: PluginEndpoint = Field(description="Its socket.")
    timeout: PluginTimeout = Field(
        "3s", description="How long an API server waits for an answer of the plugin."
    )


class SecretsEncryption(Strict):
    """How API servers encrypt Secrets before they store them in etcd."""

    provider: ProviderName = Field(
        SECRETBOX,
        description=f"What encrypts them: {SECRETBOX}, with a key of kubeadm-fleet's; kms, a "
        f"plugin; {NONE} leaves them readable in etcd and in snapshots.",
    )
    kms: Kms | None = Field(
        None,
        description="The plugin of the provider kms. "
        "With another provider, what it has encrypted can still be read.",
    )
