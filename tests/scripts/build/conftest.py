"""A web server on loopback for each test, and no other network access."""

from collections.abc import Iterator

import pytest

from tests.scripts.build.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without anything in it."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask loopback directly, whatever proxies this machine is set up with."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
