"""The builders' command lines, run with a cache of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
SECONDS = 120


def environment(cache: Path, **more: str) -> dict[str, str]:
    """Return this environment with another cache."""
    return {**os.environ, "KUBEADM_FLEET_CACHE": str(cache), "PYTHONUNBUFFERED": "1", **more}


def start(cache: Path, module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a maker."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT,
        env=environment(cache),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, status: int = 0) -> str:
    """Wait for the end of a maker and return all that it printed."""
    printed, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == status, printed
    return printed


def run(cache: Path, module: str, *arguments: str, status: int = 0) -> str:
    """Run a maker to its end and return all that it printed."""
    return finish(start(cache, module, *arguments), status=status)
