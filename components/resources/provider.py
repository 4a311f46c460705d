"""The base of every dynamic provider: what all of them agree on.

Providers are pickled by reference (their module and class name), so state holds no code. They
capture nothing, and therefore are not secret themselves. An error that the operator can act on is
raised as `OperatorError` and shown as its message alone; any other exception keeps its traceback,
since it is a defect of this program.
"""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pulumi.dynamic import ResourceProvider

P = ParamSpec("P")
R = TypeVar("R")

# Python's own, which holds while `sys.tracebacklimit` was never set.
USUAL_LIMIT = 1000
VERBS = ("check", "create", "read", "diff", "update", "delete")


class OperatorError(Exception):
    """Something is wrong that the operator can mend: what, where, and what to do next."""


class Provider(ResourceProvider):
    """A dynamic provider whose operator errors are shown without a traceback."""

    serialize_as_secret_always: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for verb in VERBS:
            if verb in vars(cls):
                setattr(cls, verb, _plainly(vars(cls)[verb]))


def _plainly(method: Callable[P, R]) -> Callable[P, R]:
    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except OperatorError:
            # Pulumi's plugin sends `traceback.format_exc()` to the engine.
            sys.tracebacklimit = 0
            raise
        except Exception:
            sys.tracebacklimit = USUAL_LIMIT
            raise

    return call
