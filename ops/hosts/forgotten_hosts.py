"""Hosts that the operator declares permanently lost, so that their machines can be deleted."""

import os

# Comma-separated names of machines.
FORGET = "KUBEADM_FLEET_FORGET_HOSTS"


def is_forgotten(machine: str) -> bool:
    """Whether the environment of this run names the machine."""
    return machine in os.environ.get(FORGET, "").split(",")
