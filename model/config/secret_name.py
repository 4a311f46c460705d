"""Secrets of the stack, which the config names and never contains."""

from typing import Annotated

from model.config.field import ScalarField

SecretName = Annotated[
    str,
    ScalarField(
        "the name of a config value",
        "the NAME of a secret config value of the stack, never the secret itself",
        "sshPrivateKey",
        pattern=r"[A-Za-z][A-Za-z0-9_-]{0,62}",
    ),
]
