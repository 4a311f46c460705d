"""Architectures in the words that Go, Kubernetes and container registries use for them."""

import platform

SUPPORTED = ("amd64", "arm64")

_OF_THE_KERNEL = {"x86_64": "amd64", "aarch64": "arm64"}


def host() -> str:
    """The architecture of this host."""
    machine = platform.machine()
    return _OF_THE_KERNEL.get(machine, machine)
