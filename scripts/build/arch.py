"""Architecture names as in Go, Kubernetes and container registries."""

import platform

from model.well_known import ARCHITECTURES

SUPPORTED = tuple(ARCHITECTURES.values())


def host() -> str:
    """The architecture of this host."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)
