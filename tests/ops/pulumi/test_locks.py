"""The locks of a stack: who holds one, since when, and what a person does about it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.pulumi import locks

SINCE = "2026-11-26T21:30:05.123456789+02:00"


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path


def lock(backend: Path, **changes: Any) -> Path:
    """Write a lock as the engine does, of a process that is over."""
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    known = {"pid": over.pid, "username": "ann", "hostname": socket.gethostname()}
    file = backend / ".pulumi/locks/organization/project/dev/1.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**known, "timestamp": SINCE, **changes}))
    return file


def test_a_stale_lock_is_explained_with_its_command(backend: Path) -> None:
    lock(backend)
    (found,) = locks.read(backend, "dev")
    assert not found.is_held
    holder, command = found.text.splitlines()
    assert holder.startswith("the stack dev is locked since 2026-11-26 ")
    assert ":30:05 by ann@" in holder
    assert "no longer running: clear the lock (docs/runbooks/stale-lock.md) with" in holder
    assert command == "  fleet pulumi --stack dev cancel --yes"


def test_the_lock_of_a_run_that_goes_on_is_waited_for(
    backend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(backend, pid=os.getpid())
    monkeypatch.setattr(locks, "_alive", lambda pid: pid == os.getpid())
    (found,) = locks.read(backend, "dev")
    assert found.is_held
    assert found.text.endswith("which is still running: wait for it, then run this again")
    assert "cancel" not in found.text


def test_whether_a_run_on_another_host_goes_on_is_the_reader_s_to_know(backend: Path) -> None:
    lock(backend, hostname="elsewhere", timestamp="2026-11-26T21:30:05Z")
    (found,) = locks.read(backend, "dev")
    assert found.is_held
    assert "If that run is over: clear the lock" in found.text


def test_a_stack_without_a_lock_and_one_half_written(backend: Path) -> None:
    assert locks.read(backend, "dev") == []
    lock(backend).write_text("")
    assert locks.read(backend, "dev") == []
    assert locks.read(backend, "prod") == []
