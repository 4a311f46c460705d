"""A machine's disk for one test."""

from pathlib import Path

import pytest

from tests.node.steps.disk import Disk


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """An empty one."""
    return Disk(tmp_path)
