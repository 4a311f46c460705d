"""Suppress the SDK's per-resource debug messages, which dominate run time on large fleets.

The SDK sends the engine four or five messages per resource, each in a call that blocks until the
engine answers, whether or not `pulumi --debug` shows them: a third of the program's time. It has no
setting to disable them.
"""

import os

import pulumi

WANTED = "KUBEADM_FLEET_DEBUG"


def silence_debug() -> None:
    """Send no debug lines to the engine, unless $KUBEADM_FLEET_DEBUG is set."""
    if not os.environ.get(WANTED):
        pulumi.log.debug = _drop


def _drop(*_: object, **__: object) -> None:
    """Discard the message."""
