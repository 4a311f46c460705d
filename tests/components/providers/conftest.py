"""A stand-in for a cluster's API, and tests that leave the interpreter as it was."""

import sys

import pytest

from tests.ops.kube.api_server import api as api


@pytest.fixture(autouse=True)
def tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers switch tracebacks off for good, and Pulumi's SDK cannot register without them."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
