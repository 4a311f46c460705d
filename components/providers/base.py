"""The base class and shared conventions of all dynamic providers.

Providers are pickled by reference (their module and class name), so state holds no code. They
capture nothing, and therefore are not secret themselves. An error that the operator can act on is
raised as `OperatorError` and shown as its message alone; any other exception keeps its traceback,
since it is a defect of this program.

The engine processes many resources concurrently, each in its own thread: a provider, and the code
it calls, changes no process-wide state (working directory, umask, signals, environment) and keeps
nothing between calls.

Not every input is known when the engine asks. In a preview, and when the engine works out what the
replacement of another resource entails, an input that is still to be computed is an `Unknown`,
which equals nothing. In an update that continues on errors, an input that comes from a failed
resource is missing; the engine asks for a diff all the same, and then skips the step. Therefore
`check` and `diff` get their new inputs as `Inputs`: a diff that needs a missing input reports a
change. It never reports a replacement, for which the engine would delete dependents before it skips
the step.
"""

import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from pulumi.dynamic import CheckResult, DiffResult, ResourceProvider, UpdateResult
from pulumi.runtime.rpc import contains_unknowns

from ops.errors import OperatorError

# Results when a required input is not known.
UNJUDGED: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "check": lambda news: CheckResult(news, []),
    "diff": lambda _news: DiffResult(changes=True),
}


class NotKnown(Exception):
    """A required input is missing or unknown."""


class Inputs(dict[str, Any]):
    """New inputs, at every depth: reading a missing one raises NotKnown."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(
            {key: Inputs(each) if isinstance(each, dict) else each for key, each in given.items()}
        )

    def __missing__(self, key: str) -> Any:
        raise NotKnown(key)


def require_present(inputs: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raise NotKnown unless all these inputs are present; call it before requesting replacement."""
    for key in keys:
        inputs[key]


def require_known(inputs: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Raise NotKnown unless all these inputs are present and contain nothing unknown."""
    for key in keys:
        if contains_unknowns(inputs[key]):
            raise NotKnown(key)


class Provider(ResourceProvider):
    """A dynamic provider that tolerates unknown inputs.

    `check` and `diff` get their new inputs as `Inputs`.
    """

    serialize_as_secret_always: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for verb, unjudged in UNJUDGED.items():
            if method := vars(cls).get(verb):
                setattr(cls, verb, _tolerantly(method, unjudged))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report no change: a resource without its own diff is created once.

        Pulumi's default leaves the diff to the engine, which also compares the location of the
        provider's code.
        """
        return DiffResult(changes=False)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Refuse: a resource without its own update can only be replaced.

        Pulumi's default drops all outputs, including key material.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update")


def _tolerantly(
    method: Callable[..., Any], unjudged: Callable[[dict[str, Any]], Any]
) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Provider, *args: Any) -> Any:
        *others, news = args
        try:
            return method(self, *others, Inputs(news))
        except NotKnown:
            return unjudged(news)

    return call


def _format_exc(limit: int | None = None, chain: bool = True) -> str:
    """Format this thread's current exception: an operator error as its message alone.

    Pulumi's plugin sends `traceback.format_exc()` to the engine. Setting `sys.tracebacklimit` would
    also affect concurrent failures in other threads.
    """
    error = sys.exc_info()[1]
    return str(error) if isinstance(error, OperatorError) else _FORMAT_EXC(limit, chain)


_FORMAT_EXC = traceback.format_exc
traceback.format_exc = _format_exc
