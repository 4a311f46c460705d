"""Fixtures and checks for all tests."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from tests.ops.hosts import ubuntu
from tests.scripts import programs


def pytest_configure() -> None:
    """Have SIGINT end what the tests start.

    A shell without job control starts background jobs with SIGINT ignored, and children inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Let tests start only what every host has; what starts pytest's workers asks for more."""
    sys.addaudithook(_refuse_unlisted)


def _refuse_unlisted(event: str, arguments: tuple[Any, ...]) -> None:
    """Fail the test that starts what a fresh host may lack, although this one has it."""
    if event != "subprocess.Popen":
        return
    command = [os.fsdecode(word) for word in arguments[1]]
    if names := programs.unlisted(command):
        raise AssertionError(
            f"{' '.join(command)}: a fresh host may lack {', '.join(names)}: "
            "name what a test starts in the lists of scripts/setup.sh"
        )


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have no test read or write this user's state folder."""
    folder = tmp_path_factory.mktemp("state") / "kubeadm-fleet"
    with mock.patch.dict(os.environ, KUBEADM_FLEET_STATE=str(folder)):
        yield


def pytest_report_header() -> str | None:
    """Say what is left out, and what would change that."""
    if os.environ.get(ubuntu.ARCHIVE):
        return None
    return f"deselected: hosts with Ubuntu, because {ubuntu.ARCHIVE} names no archive"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs Ubuntu's packages where nothing says where they are."""
    if os.environ.get(ubuntu.ARCHIVE):
        return
    left_out = [item for item in items if item.get_closest_marker("ubuntu")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
