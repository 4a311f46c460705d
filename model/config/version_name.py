"""The name of a Kubernetes version in the config."""

from typing import Annotated

from model import versions
from model.config.field import ScalarField

VersionName = Annotated[
    str,
    ScalarField(
        "a Kubernetes version",
        versions.ALLOWED,
        "1.36.3",
        check=lambda text: str(versions.parse(text)),
    ),
]
