"""Kubernetes versions: supported range, parsing and comparison."""

import re
from dataclasses import dataclass

from model.pins import KUBERNETES, KUBERNETES_MINORS

_FIRST, *_, _LAST = KUBERNETES_MINORS
ALLOWED = f"1.{_FIRST}.x to 1.{_LAST}.x, written out, such as {KUBERNETES.removeprefix('v')}"

_PATTERN = re.compile(r"v?1\.(?P<minor>0|[1-9]\d{0,2})\.(?P<patch>0|[1-9]\d{0,2})")


@dataclass(frozen=True, order=True)
class KubernetesVersion:
    """A release of Kubernetes 1.x."""

    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v1.{self.minor}.{self.patch}"


def parse(text: str) -> KubernetesVersion:
    """Parse "1.36.3" or "v1.36.3"; raise ValueError for anything else or an unsupported minor."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError("not a full version number")
    version = KubernetesVersion(int(match["minor"]), int(match["patch"]))
    if version.minor not in KUBERNETES_MINORS:
        raise ValueError(f"Kubernetes 1.{version.minor} is not supported")
    return version


def parse_recorded(recorded: str) -> KubernetesVersion:
    """Parse a cluster's version, supported or not; raise ValueError if it is not a version."""
    match = _PATTERN.match(recorded)
    if match is None:
        raise ValueError(f"not a Kubernetes version: {recorded}")
    return KubernetesVersion(int(match["minor"]), int(match["patch"]))
