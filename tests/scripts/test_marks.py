"""Tests that this host cannot run are deselected and reported."""

import os
import subprocess
import sys

import pytest

from tests.ops.hosts.ubuntu import ARCHIVE
from tests.scripts.conftest import TOP


@pytest.mark.parametrize(
    ("archive", "count", "said"),
    [("", "no tests", True), ("https://ubuntu.example.com/ubuntu", "1/", False)],
)
def test_hosts_with_ubuntu_need_an_archive(archive: str, count: str, said: bool) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-m", "ubuntu", "tests/ops/hosts"],
        cwd=TOP,
        env={**os.environ, ARCHIVE: archive},
        capture_output=True,
        text=True,
    ).stdout
    assert f"{count}" in listed.splitlines()[-1]
    assert "deselected" in listed.splitlines()[-1]
    assert (f"because {ARCHIVE} names no archive" in listed) == said
