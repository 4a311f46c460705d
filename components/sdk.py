"""Reduces the SDK's work for each resource, for which it has no settings.

It sends the engine four or five debug messages per resource, each in a call that blocks until the
engine answers, whether or not `pulumi --debug` shows them: a third of the program's time on large
fleets. And it sends a stack trace of the program with each resource, including the frames of the
event loop and its own, which the engine keeps in the state: more than 1 KB a resource, of five
resources a machine.
"""

import os

import pulumi
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

WANTED = "KUBEADM_FLEET_DEBUG"


def lighten() -> None:
    """Send the innermost frame of a stack, and debug lines only if $KUBEADM_FLEET_DEBUG is set."""
    if not os.environ.get(WANTED):
        pulumi.log.debug = _drop
    resource._get_stack_trace = _innermost_frame


def _drop(*_: object, **__: object) -> None:
    """Discard the message."""


def _innermost_frame() -> source_pb2.StackTrace:
    return source_pb2.StackTrace(frames=_WHOLE_STACK().frames[:1])


_WHOLE_STACK = resource._get_stack_trace
