"""Checkouts for tests, and folders that every user may read."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
# What a clone has that matters here; tests and documents stay out.
COPIED = ("Makefile", "requirements.txt", "pyproject.toml", "model", "ops", "scripts", "manifests")
# Compiled modules go with it: each is valid beside a source of the same time and size.
IGNORED = shutil.ignore_patterns(".*_cache", "*.pyc.*")  # the latter: being written


@pytest.fixture(scope="module")
def public_folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike pytest's own ones."""
    folder = Path(tempfile.mkdtemp(prefix="kubeadm-fleet-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def copy_checkout(folder: Path) -> Path:
    """Copy the part of this checkout that runs a stack; without its program and its .venv."""
    folder.mkdir(parents=True)
    stacks = [path.name for path in TOP.glob("Pulumi*.yaml")]
    for name in (*COPIED, *stacks):
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=IGNORED)
        else:
            shutil.copy(source, folder / name)
    return folder
