"""Reduces the SDK's work and messages for each resource, for which it has no settings.

It sends the engine four or five debug messages per resource, each in a call that blocks until the
engine answers, whether or not `pulumi --debug` shows them: a third of the program's time on large
fleets. And it sends a stack trace of the program with each resource, including the frames of the
event loop and its own, which the engine keeps in the state: more than 1 KB a resource, of five
resources a machine. The state also holds the dependencies of a resource twice, as URNs of 200
bytes each.
"""

import os
from typing import Any, TypeVar

import pulumi
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

WANTED = "KUBEADM_FLEET_DEBUG"

T = TypeVar("T")


def lighten() -> None:
    """Send the innermost frame of a stack, and debug lines only if $KUBEADM_FLEET_DEBUG is set."""
    if not os.environ.get(WANTED):
        pulumi.log.debug = _drop
    resource._get_stack_trace = _innermost_frame
    # The same once more.
    resource._get_source_position = _no_position


def value_of(given: pulumi.Output[T]) -> pulumi.Output[T]:
    """Return the same value without its resources.

    For an input of a resource that depends on them by another input, or needs only the value.
    """
    value: Any = given.future(with_unknowns=True)
    return pulumi.Output(set(), value, given.is_known(), given.is_secret())


def _drop(*_: object, **__: object) -> None:
    """Discard the message."""


def _innermost_frame() -> source_pb2.StackTrace:
    return source_pb2.StackTrace(frames=_COMPLETE_STACK().frames[:1])


def _no_position(stack: source_pb2.StackTrace) -> None:
    """Return no position: the frame has it."""


_COMPLETE_STACK = resource._get_stack_trace
