"""Kubernetes versions: which are supported, and how they compare."""

import re
from dataclasses import dataclass

DEFAULT = "v1.36.3"
SUPPORTED_MINORS = (35, 36, 37)
ALLOWED = "1.35.x to 1.37.x, written out, such as 1.36.3"

_PATTERN = re.compile(r"v?1\.(?P<minor>0|[1-9]\d{0,2})\.(?P<patch>0|[1-9]\d{0,2})")


@dataclass(frozen=True, order=True)
class KubernetesVersion:
    """A release of Kubernetes 1.x."""

    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v1.{self.minor}.{self.patch}"


def parse(text: str) -> KubernetesVersion:
    """Read "1.36.3" or "v1.36.3"; raise ValueError for anything else or an unsupported minor."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("not a full version number")
    version = KubernetesVersion(int(match["minor"]), int(match["patch"]))
    if version.minor not in SUPPORTED_MINORS:
        raise ValueError(f"Kubernetes 1.{version.minor} is not supported")
    return version
