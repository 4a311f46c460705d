"""Failures of calls, as the engine would show them."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest


class Failed:
    """What a call failed with; filled in when it has."""

    text = ""
    code: grpc.StatusCode = grpc.StatusCode.OK


@contextmanager
def failing() -> Iterator[Failed]:
    """Expect the call in this context to fail."""
    failed = Failed()
    with pytest.raises(grpc.RpcError) as caught:
        yield failed
    failed.text = caught.value.details() or ""
    failed.code = caught.value.code()
