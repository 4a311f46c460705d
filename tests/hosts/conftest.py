"""Bare hosts, and what a fleet would ask of them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from model import paths
from tests.hosts.lab import BareHost, Lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A bridge for machines, of which nothing is left after the test."""
    base = paths.cache_dir() / "tests"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(folder))
    with Lab() as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def host(lab: Lab) -> BareHost:
    """One bare host."""
    return lab.boot("host-0", 11)
