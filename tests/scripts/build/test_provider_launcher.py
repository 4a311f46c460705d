"""The tool chain's launcher of dynamic providers."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from scripts.bench import calls
from scripts.build.provider_launcher import ENVIRONMENT
from scripts.build.pulumi import LAUNCHER_SOURCE

CALLS = 64
# Each call returns once all of them are being served.
MEETING = f"""
import threading
from pulumi.dynamic import CheckResult, ResourceProvider
MET = threading.Barrier({CALLS}, timeout=20)
class Meeting(ResourceProvider):
    def check(self, olds, news):
        MET.wait()
        return CheckResult(news, [])
"""
# What `pickle` makes of Meeting().
PICKLED = b"cmeeting\nMeeting\n)\x81."


@contextmanager
def launched(folder: Path) -> Iterator[str]:
    """Start the launcher in a folder; give the port that it prints."""
    with subprocess.Popen(
        [sys.executable, "-u", LAUNCHER_SOURCE, "127.0.0.1:1"],
        cwd=folder,
        env={**os.environ, ENVIRONMENT: "no such environment"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_as_many_calls_are_served_at_once_as_the_engine_makes(tmp_path: Path) -> None:
    (tmp_path / "meeting.py").write_text(MEETING)
    inputs = Struct()
    inputs["__provider"] = base64.b64encode(PICKLED).decode()
    request = provider_pb2.CheckRequest(news=inputs)
    with launched(tmp_path) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check: Any = provider_pb2_grpc.ResourceProviderStub(channel).Check
        with ThreadPoolExecutor(CALLS) as pool:
            answers = list(pool.map(lambda _: check(request, timeout=40), range(CALLS)))
    assert len(answers) == CALLS


@pytest.mark.slow
def test_twenty_waiting_providers_run_concurrently() -> None:
    assert calls.measure(20, 30).seconds < 45


def test_the_named_environment_is_entered_once(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" "${{{ENVIRONMENT}-not set}}"\n')
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, LAUNCHER_SOURCE, "127.0.0.1:1"],
        cwd=tmp_path,
        env={**os.environ, ENVIRONMENT: ".venv"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"-u {LAUNCHER_SOURCE} 127.0.0.1:1 not set\n", done.stderr


def test_the_launcher_uses_the_packages_of_its_python(tmp_path: Path) -> None:
    with launched(tmp_path) as port:
        assert port.isdigit()
