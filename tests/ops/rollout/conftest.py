"""What a refused change leaves in the process is taken back after each test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def usual_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's process shows no tracebacks once an operator's error was raised in it."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
