"""A stand-in for a cluster's API, and tests that leave the interpreter as it was."""

import sys
from collections.abc import Iterator

import pytest

from tests.resources.api_server import Api, serving


@pytest.fixture
def api() -> Iterator[Api]:
    """An API that knows nothing yet."""
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers switch tracebacks off for good, and Pulumi's SDK cannot register without them."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
