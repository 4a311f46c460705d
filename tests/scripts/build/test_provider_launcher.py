"""The tool chain's launcher of dynamic providers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bench import calls
from scripts.build.provider_launcher import ENVIRONMENT
from scripts.build.pulumi import LAUNCHER_SOURCE


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
    given = {key: value for key, value in os.environ.items() if key != ENVIRONMENT}
    with subprocess.Popen(
        [sys.executable, "-u", LAUNCHER_SOURCE, "127.0.0.1:1"],
        cwd=tmp_path,
        env={**given, ENVIRONMENT: "no such environment"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            assert process.stdout.readline().strip().isdigit()
        finally:
            process.kill()
