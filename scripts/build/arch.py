"""Architectures in the words that Go, Kubernetes and container registries use for them."""

import platform

from model.well_known import ARCHITECTURES

SUPPORTED = tuple(ARCHITECTURES.values())


def host() -> str:
    """The architecture of this host."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)
