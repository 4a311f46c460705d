"""The SDK's own debug lines, which a large fleet cannot afford unless somebody reads them.

For each resource the SDK tells the engine four or five times what it is doing, in a call that
blocks until the engine answers, whether or not `pulumi --debug` shows it: a third of the program's
time. It has no setting for that.
"""

import os

import pulumi

WANTED = "KUBEADM_FLEET_DEBUG"


def silence_debug() -> None:
    """Send no debug lines to the engine, unless $KUBEADM_FLEET_DEBUG is set."""
    if not os.environ.get(WANTED):
        pulumi.log.debug = _drop


def _drop(*_: object, **__: object) -> None:
    """Say nothing."""
