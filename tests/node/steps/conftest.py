"""A machine's disk, and a member on it, for one test."""

from pathlib import Path

import pytest

from tests.node.steps.disk import Disk
from tests.node.steps.reporting_machine import ReportingMachine


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """An empty one."""
    return Disk(tmp_path)


@pytest.fixture
def machine(disk: Disk) -> ReportingMachine:
    """A member that reports on itself, with nothing that differs."""
    return ReportingMachine(disk)
